import os
import zlib

import numpy as np
import pytest
from PIL import Image

import thalweg.data as data
from thalweg.data import sources
from thalweg.data._source import find_source
from thalweg.errors import DataError, DataNotFoundError, SettingError


def draw(path, level=0, side=8, mode="L"):
    """Save a picture of about that level, and with noise of its own."""
    path.parent.mkdir(parents=True, exist_ok=True)
    seed = zlib.crc32(f"{path.parent.name}/{path.name}".encode())
    noise = np.random.default_rng(seed).integers(0, 50, size=(side, side))
    Image.fromarray((level + noise).astype(np.uint8)).convert(mode).save(path)
    return path


@pytest.fixture
def photos(tmp_path):
    """Ten dark and ten light pictures."""
    for number in range(10):
        draw(tmp_path / "photos" / "dark" / f"{number}.png", level=10)
        draw(tmp_path / "photos" / "light é" / f"{number}.PNG", level=200)
    return tmp_path / "photos"


def read(folder, **options):
    return sources[find_source(folder)].read(folder, **options)


def told(choices, setting):
    return {choice.reason: choice.value for choice in choices if choice.setting == setting}


def levels(raw):
    return raw.inputs.values.float().mean(dim=(1, 2, 3)).numpy()


def test_a_folder_per_class_becomes_three_parts(photos):
    splits = data.load(photos)
    assert splits.schema.target.classes == ("dark", "light é")
    assert [len(splits[part]) for part in data.PARTS] == [14, 3, 3]
    assert splits.schema.is_reloadable
    assert splits.schema.encoder.shape == (1, 8, 8)
    for part in data.PARTS:
        dark = splits[part].inputs.float().mean(dim=(1, 2, 3)) < 100
        assert [name.startswith("dark/") for name in splits[part].names] == dark.tolist()
        assert (splits[part].targets == 0).tolist() == dark.tolist()


def test_the_same_folder_by_text_and_by_path_gives_the_same_data(photos):
    by_text, by_path = data.load(str(photos)), data.load(photos)
    assert by_text.schema.fingerprint == by_path.schema.fingerprint
    assert by_text.train.names == by_path.train.names


def test_parts_that_the_folders_name_are_kept(tmp_path):
    for part, number in (("train", 8), ("VAL", 3), ("test", 2)):
        for kind in ("a", "b"):
            for row in range(number):
                draw(tmp_path / "set" / part / kind / f"{row}.png", level=100 * (kind == "b"))
    splits = data.load(tmp_path / "set")
    assert [len(splits[part]) for part in data.PARTS] == [16, 6, 4]
    assert all(name.startswith("VAL/") for name in splits.valid.names)


def test_a_missing_validation_part_is_carved_out_of_the_training_part(tmp_path):
    for part, number in (("train", 20), ("test", 5)):
        for kind in ("a", "b"):
            for row in range(number):
                draw(tmp_path / part / kind / f"{row}.png", level=100 * (kind == "b"))
    splits = data.load(tmp_path)
    assert len(splits.train) + len(splits.valid) == 40
    assert len(splits.valid) > 0
    assert all(name.startswith("test/") for name in splits.test.names)
    assert len(splits.test) == 10


def test_a_class_may_be_called_train(tmp_path):
    for kind in ("train", "bus"):
        for row in range(3):
            draw(tmp_path / kind / f"{row}.png")
    raw = read(tmp_path)
    assert raw.parts is None
    assert set(raw.targets) == {"train", "bus"}


def test_pictures_may_lie_deeper_in_their_class(tmp_path):
    for row in range(4):
        draw(tmp_path / "a" / "2024" / f"{row}.png")
        draw(tmp_path / "b" / f"{row}.png")
    raw = read(tmp_path)
    assert raw.names[0] == "a/2024/0.png"
    reason = "folders inside class folders, whose pictures belong to that class: a/2024"
    assert told(raw.choices, "merged") == {reason: 1}


@pytest.mark.parametrize(
    ("train", "test"), [("training_set", "test_set"), ("seg_train", "seg_test"), ("Train-1", "val")]
)
def test_parts_may_have_longer_names(tmp_path, train, test):
    for part, count in ((train, 6), (test, 2)):
        for kind in "ab":
            for row in range(count):
                draw(tmp_path / part / kind / f"{row}.png", level=10 * (kind == "b"))
    raw = read(tmp_path)
    assert raw.parts is not None
    assert set(raw.targets) == {"a", "b"}
    assert list(raw.parts).count("train") == 12


def test_a_class_with_a_part_in_its_name_is_no_part_beside_other_classes(tmp_path):
    for kind in ("bullet_train", "bus"):
        draw(tmp_path / kind / "red" / "1.png")
    assert set(read(tmp_path).targets) == {"bullet_train", "bus"}


@pytest.mark.parametrize("above", ["photos", "data_train", "train/data_train"])
def test_data_that_lie_one_folder_further_down_are_told(tmp_path, above):
    for kind in "ab":
        draw(tmp_path / above / kind / "1.png")
        draw(tmp_path / "test" / "data_test" / kind / "1.png") if "/" in above else None
    inside = (tmp_path / above).relative_to(tmp_path)
    with pytest.raises(DataError, match=rf"one class to train on.*load \S*{inside}\.$"):
        data.load(tmp_path)


def test_unreadable_pictures_are_left_out_and_named_while_labels_stay_aligned(photos):
    (photos / "dark" / "3.png").write_bytes(b"")
    (photos / "dark" / "zz.jpg").write_text("just text\n")
    cut = photos / "light é" / "0.PNG"
    cut.write_bytes(cut.read_bytes()[:60])
    raw = read(photos)
    assert len(raw.names) == len(raw.targets) == len(raw.inputs) == 18
    assert not {"dark/3.png", "dark/zz.jpg", "light é/0.PNG"} & set(raw.names)
    assert [kind == "dark" for kind in raw.targets] == (levels(raw) < 100).tolist()
    ((reason, number),) = told(raw.choices, "left out").items()
    assert number == 3
    for said in ("dark/3.png (empty", "dark/zz.jpg (text", "light é/0.PNG (damaged"):
        assert said in reason


def test_more_unreadable_pictures_than_readable_ones_are_an_error(photos):
    for path in sorted(photos.rglob("*.*"))[:11]:
        path.write_bytes(b"")
    with pytest.raises(DataError, match=r"11 of 20 pictures cannot be read: dark/0\.png \(empty"):
        read(photos)


def test_what_is_no_picture_is_ignored_and_counted(photos):
    (photos / "dark" / "notes.txt").write_text("notes")
    (photos / "dark" / ".hidden.png").write_text("a resource fork")
    (photos / "empty").mkdir()
    draw(photos / "stray.png")
    os.mkfifo(photos / "dark" / "pipe.png")
    before = sorted(photos.rglob("*"))
    raw = read(photos)
    assert len(raw.names) == 20
    assert told(raw.choices, "ignored") == {
        "class folders without a picture: empty": 1,
        "pictures outside a class folder: stray.png": 1,
        "files of other kinds: dark/.hidden.png, dark/notes.txt, dark/pipe.png": 3,
    }
    assert sorted(photos.rglob("*")) == before, "nothing may be written into a user's folder"


def test_links_are_followed_but_not_in_circles(photos):
    (photos / "dark" / "again").symlink_to(photos / "dark")
    (photos / "linked").symlink_to(photos / "light é")
    raw = read(photos)
    assert len(raw.names) == 30
    assert (raw.targets == "linked").sum() == 10


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
@pytest.mark.parametrize("mode", [0o000, 0o400])
@pytest.mark.parametrize("which", [".", "dark"])
def test_a_folder_that_may_not_be_looked_into_is_named(photos, mode, which):
    (photos / which).chmod(mode)
    try:
        with pytest.raises(DataError, match="Permission denied"):
            read(photos)
    finally:
        (photos / which).chmod(0o700)


def test_very_long_names_and_spaces_are_kept(photos):
    name = "a very " + "long" * 55 + " name.png"
    draw(photos / "dark" / name)
    assert f"dark/{name}" in read(photos).names


def test_a_missing_folder_is_not_found():
    with pytest.raises(DataNotFoundError, match="no file, folder or builtin"):
        data.load("no/such/folder/")


def test_folders_without_classes_say_which_layouts_work(tmp_path):
    (tmp_path / "none").mkdir()
    with pytest.raises(DataError, match=r"none is empty.*cats/1\.jpg.*train/cats/1\.jpg.*table"):
        data.load(tmp_path / "none")
    draw(tmp_path / "flat" / "1.png")
    with pytest.raises(DataError, match=r"flat holds 1 pictures, but no classes.*cats/1\.jpg"):
        data.load(tmp_path / "flat")
    (tmp_path / "text").mkdir()
    (tmp_path / "text" / "a.txt").write_text("a")
    with pytest.raises(DataError, match="text holds no pictures"):
        data.load(tmp_path / "text")


def test_one_class_is_not_enough(tmp_path):
    for row in range(4):
        draw(tmp_path / "only" / f"{row}.png")
    with pytest.raises(DataError, match=r"one class to train on, 'only', .*cats/1\.jpg.* Boxes"):
        data.load(tmp_path)


def test_cifar_of_pickles_is_told_apart(tmp_path):
    (tmp_path / "data_batch_1").write_bytes(b"\x80\x02.")
    with pytest.raises(DataError, match=r"CIFAR in its Python version.*Take the binary version"):
        data.load(tmp_path)


def test_a_target_beside_a_folder_is_refused(photos):
    with pytest.raises(SettingError, match="names of its folders"):
        data.load(photos, target="label")


def test_an_unknown_option_names_the_nearest(photos):
    with pytest.raises(SettingError, match="Did you mean 'size'"):
        data.load(photos, sise=12)


def test_parts_without_one_to_train_on_are_no_classes(tmp_path):
    for part in ("valid", "test"):
        for name in ("a", "b"):
            draw(tmp_path / part / name / "1.png", level=len(part))
    with pytest.raises(DataError, match="has the parts test, valid, but none to train on"):
        read(tmp_path)


def test_a_link_back_to_the_whole_brings_in_no_other_class(photos):
    (photos / "dark" / "all").symlink_to(photos)
    assert (read(photos).targets == "dark").sum() == 10
