import numpy as np
import pytest
import torch
from PIL import Image

from thalweg.data import ImageEncoder
from thalweg.data.images._pictures import as_pictures, files_under, named, readable
from thalweg.errors import DataError, DataNotFoundError, ShapeError

COLOUR = ImageEncoder((0.5,) * 3, (0.2,) * 3, (6, 5))
GREY = ImageEncoder((0.5,), (0.2,), (6, 5))


@pytest.fixture
def picture():
    return np.random.default_rng(0).integers(0, 256, size=(6, 5, 3), dtype=np.uint8)


@pytest.mark.parametrize(
    "layout",
    [
        lambda p: p,
        lambda p: p.transpose(2, 0, 1),
        lambda p: p[None],
        lambda p: p.transpose(2, 0, 1)[None],
        lambda p: [p],
        lambda p: p / 255,
        lambda p: torch.from_numpy(p.astype(np.float32) / 255),
        lambda p: Image.fromarray(p),
        lambda p: [Image.fromarray(p)],
        lambda p: Image.fromarray(p).convert("RGBA"),
    ],
)
def test_one_picture_in_colour_is_read_from_any_layout(picture, layout):
    inputs, names = COLOUR.read(layout(picture))
    np.testing.assert_array_equal(inputs.values[0], picture.transpose(2, 0, 1))
    assert names == ("row 0",)


def test_what_cannot_be_read_in_a_folder_is_left_out_and_named(tmp_path, picture):
    for name in ("a.png", "c.png"):
        Image.fromarray(picture).save(tmp_path / name)
    (tmp_path / "b.png").write_bytes(b"")
    inputs, names = COLOUR.read(tmp_path)
    assert names == ("a.png", "c.png")
    assert len(inputs) == 2
    (told,) = inputs.repairs
    assert (told.setting, told.value) == ("left out", 1)
    assert told.reason == "pictures that cannot be read: b.png (empty, 0 bytes)"
    with pytest.raises(DataError, match=r"cannot read the picture .*b\.png: empty"):
        COLOUR.read(tmp_path / "b.png")
    for name in ("a.png", "c.png"):
        (tmp_path / name).unlink()
    with pytest.raises(DataError, match=r"cannot be read: b\.png \(empty, 0 bytes\)\. Needed"):
        COLOUR.read(tmp_path)


def test_grey_arrays_without_channels_are_one_picture_or_many(picture):
    grey = picture[:, :, 0]
    assert torch.equal(GREY.read(grey)[0].values[0, 0], torch.from_numpy(grey))
    inputs, names = GREY.read(np.stack([grey, 255 - grey, grey]))
    assert inputs.values.shape == (3, 1, 6, 5)
    assert names == ("row 0", "row 1", "row 2")


def test_grey_becomes_colour_where_training_had_colour(picture):
    values = COLOUR.read(picture[:, :, 0])[0].values
    assert values.shape == (1, 3, 6, 5)
    assert torch.equal(values[0, 0], values[0, 2])


def test_colour_becomes_grey_where_training_had_grey(picture):
    expected = np.asarray(Image.fromarray(picture).convert("L"))
    np.testing.assert_array_equal(GREY.read(picture)[0].values[0, 0], expected)


def test_pictures_of_another_size_are_scaled(picture):
    large = np.kron(picture, np.ones((4, 4, 1), dtype=np.uint8))
    expected = Image.fromarray(large).resize((5, 6), Image.Resampling.BILINEAR)
    values = COLOUR.read(large)[0].values[0]
    np.testing.assert_array_equal(values, np.asarray(expected).transpose(2, 0, 1))


def test_files_are_named_as_they_were_given(tmp_path, picture):
    for name in ("b.png", "a ü.png"):
        Image.fromarray(picture).save(tmp_path / name)
    (tmp_path / "notes.txt").write_text("no picture")
    inputs, names = COLOUR.read(tmp_path)
    assert names == ("a ü.png", "b.png")
    np.testing.assert_array_equal(inputs.values[1], picture.transpose(2, 0, 1))
    assert COLOUR.read("b.png")[1] == ("b.png",)  # tests run in tmp_path
    assert COLOUR.read(["b.png", tmp_path / "a ü.png"])[1] == ("b.png", str(tmp_path / "a ü.png"))


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    (tmp_path / "bad.jpg").write_text("<html>")
    with pytest.raises(DataError, match=r"bad\.jpg: a web page"):
        COLOUR.read(tmp_path / "bad.jpg")
    with pytest.raises(DataNotFoundError, match=r"none\.jpg: no such file"):
        COLOUR.read("none.jpg")


def test_a_pillow_image_that_cannot_be_decoded_is_refused(tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, size=(64, 64, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "a.png")
    content = (tmp_path / "a.png").read_bytes()
    (tmp_path / "a.png").write_bytes(content[: len(content) // 2])
    with Image.open(tmp_path / "a.png") as image, pytest.raises(DataError, match="truncated"):
        COLOUR.read(image)


@pytest.mark.parametrize(
    ("given", "error", "said"),
    [
        (np.full((6, 5), 2.0), DataError, "floating-point from 0 to 1"),
        (np.zeros((6, 5), dtype=np.int64), DataError, "uint8"),
        (np.full((6, 5), np.nan), DataError, "floating-point from 0 to 1"),
        (np.zeros((2, 7, 6, 5), dtype=np.uint8), ShapeError, "1 or 3 channels"),
        (np.zeros(5, dtype=np.uint8), ShapeError, "pictures must be a path"),
        ({"a": 1}, DataError, "got dict"),
        ([], DataError, "no pictures"),
    ],
)
def test_what_is_no_picture_is_refused(given, error, said):
    with pytest.raises(error, match=said) as caught:
        COLOUR.read(given)
    assert "\n" not in str(caught.value)


def test_three_axes_are_one_picture_only_where_the_trained_shape_says_so():
    values = np.zeros((3, 8, 9), dtype=np.uint8)
    assert as_pictures(values).shape == (3, 1, 8, 9)
    assert as_pictures(values, (1, 6, 5)).shape == (3, 1, 8, 9)
    assert as_pictures(values, (3, 6, 5)).shape == (1, 3, 8, 9)
    assert as_pictures(values.transpose(1, 2, 0), (1, 6, 5)).shape == (1, 3, 8, 9)


def test_links_that_lead_back_end(tmp_path, picture):
    (tmp_path / "inner").mkdir()
    Image.fromarray(picture).save(tmp_path / "inner" / "a.png")
    (tmp_path / "inner" / "up").symlink_to(tmp_path)
    pictures, others = files_under(tmp_path)
    assert [path.name for path in pictures] == ["a.png"]
    assert others == []


def test_names_that_are_no_text_can_be_stored():
    assert readable(b"caf\xe9.jpg".decode("utf-8", "surrogateescape")) == "caf�.jpg"


def test_only_the_first_names_are_listed():
    assert named([str(number) for number in range(1007)]) == "0, 1, 2, 3, 4 and 1,002 more"
    assert named(["\x1b[31m"]) == "?[31m"


def test_a_grey_picture_with_an_axis_of_one_channel_is_one_picture():
    pixels = np.random.default_rng(0).integers(0, 256, (12, 12, 1), dtype=np.uint8)
    read, names = ImageEncoder((0.5,), (0.2,), (12, 12)).read(pixels)
    assert names == ("row 0",)
    np.testing.assert_array_equal(read.values[0, 0], pixels[:, :, 0])


def test_what_is_done_to_new_pictures_is_stated(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (20, 10), dtype=np.uint8)
    Image.fromarray(pixels).convert("P").save(tmp_path / "palette.gif")
    encoder = ImageEncoder((0.5,) * 3, (0.2,) * 3, (12, 12))
    read, _ = encoder.read([pixels, tmp_path / "palette.gif"])
    assert [choice.reason.split(":")[0] for choice in read.repairs] == [
        "grey taken as colour",
        "palette replaced by its colours",
        "scaled to cover 12×12 pixels and cut around the centre",
    ]
    assert read.repairs[0].reason.endswith(": row 0")
    assert not encoder.read(np.zeros((12, 12, 3), dtype=np.uint8))[0].repairs
