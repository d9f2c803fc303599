import numpy as np
import pytest
from PIL import Image

from thalweg._core import memory
from thalweg.data.images._decoding import decode
from thalweg.data.images._wanted import Wanted
from thalweg.errors import DataError, SettingError


def files(folder, *pictures):
    paths = []
    for number, picture in enumerate(pictures):
        paths.append(folder / f"{number}.png")
        picture.save(paths[-1])
    return paths


def decoded(paths, size=None, channels=None, **options):
    names, origin = [path.name for path in paths], str(paths[0].parent)
    return decode(paths, names, Wanted(size, channels, **options), origin)


def grey(width, height, level=100):
    return Image.new("L", (width, height), level)


def colour(width, height):
    return Image.new("RGB", (width, height), (200, 100, 50))


def chosen(result):
    return {choice.setting: choice.value for choice in result.choices}


def test_pictures_of_one_small_size_keep_it(tmp_path):
    result = decoded(files(tmp_path, grey(30, 20), grey(30, 20)))
    assert result.inputs.values.shape == (2, 1, 20, 30)
    assert chosen(result) == {"size": [20, 30], "channels": 1}


@pytest.mark.parametrize(
    ("sides", "side"),
    [
        ([(300, 400)] * 2, 224),  # of one size, but large
        ([(100, 300), (400, 110), (105, 130)], 96),  # the median is 105
        ([(50, 60), (50, 61)], 48),
        ([(10, 20), (11, 11), (12, 90)], 11),
    ],
)
def test_other_pictures_become_squares_by_their_shorter_side(tmp_path, sides, side):
    result = decoded(files(tmp_path, *(grey(*pair) for pair in sides)))
    assert result.inputs.values.shape == (len(sides), 1, side, side)


def test_the_size_can_be_given(tmp_path):
    paths = files(tmp_path, colour(40, 30), colour(20, 50))
    assert decoded(paths, size=12).inputs.values.shape == (2, 3, 12, 12)
    assert decoded(paths, size=(10, 14)).inputs.values.shape == (2, 3, 10, 14)
    assert "size" not in chosen(decoded(paths, size=[10, 14]))


@pytest.mark.parametrize("size", [0, -3, [1, 2, 3], True, (8, 0)])
def test_a_size_that_makes_no_sense_is_refused(tmp_path, size):
    with pytest.raises(SettingError, match="size must be"):
        decoded(files(tmp_path, grey(4, 4)), size=size)


def test_one_picture_in_colour_makes_all_colour(tmp_path):
    result = decoded(files(tmp_path, grey(8, 8), colour(8, 8)))
    assert result.inputs.values.shape[1] == 3
    assert (result.inputs.values[0] == 100).all()


def test_grey_pictures_that_were_saved_in_colour_are_grey(tmp_path):
    result = decoded(files(tmp_path, grey(8, 8).convert("RGB"), grey(8, 8, 7).convert("P")))
    assert result.inputs.values.shape[1] == 1
    assert chosen(result)["channels"] == 1


def test_channels_can_be_given(tmp_path):
    paths = files(tmp_path, grey(8, 8), colour(8, 8))
    result = decoded(paths, channels=1)
    assert result.inputs.values.shape[1] == 1
    # Rec. 601: 0.299·200 + 0.587·100 + 0.114·50 = 124.2
    assert (result.inputs.values[1] == 124).all()
    assert decoded(files(tmp_path, grey(8, 8)), channels=3).inputs.values.shape[1] == 3
    with pytest.raises(SettingError, match="channels must be 1"):
        decoded(paths, channels=4)


def test_pictures_that_would_not_fit_into_memory_are_refused_with_a_size(tmp_path, monkeypatch):
    paths = files(tmp_path, *[grey(200, 200)] * 4)
    monkeypatch.setattr(memory, "available", lambda: 100_000)
    with pytest.raises(DataError, match=r"4 pictures of 200×200 .* need 156\.2 KiB.*Pass size=96"):
        decoded(paths, cache=False)
    assert decoded(paths, size=96, cache=False).inputs.values.shape == (4, 1, 96, 96)


def test_order_is_that_of_the_files_whatever_thread_reads_them(tmp_path):
    paths = files(tmp_path, *(grey(16, 16, level) for level in range(100)))
    values = decoded(paths).inputs.values
    np.testing.assert_array_equal(values[:, 0, 0, 0].numpy(), np.arange(100))


def test_what_was_kept_is_said_by_position(tmp_path):
    paths = files(tmp_path, grey(8, 8, 1), grey(8, 8, 2), grey(8, 8, 3))
    paths[1].write_text("text, and no picture\n")
    result = decoded(paths)
    assert result.kept.tolist() == [0, 2]
    assert result.inputs.values[:, 0, 0, 0].tolist() == [1, 3]


def test_repairs_are_counted_and_named(tmp_path):
    paths = files(tmp_path, colour(8, 8), colour(8, 8).convert("RGBA"), colour(8, 8).quantize(4))
    repaired = [choice for choice in decoded(paths).choices if choice.setting == "repaired"]
    assert [(choice.value, choice.reason) for choice in repaired] == [
        (1, "palette replaced by its colours: 2.png")
    ]
