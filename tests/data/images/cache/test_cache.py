"""A folder of pictures decoded once: what is kept, what is noticed, and what is said."""

import json
import os
import random
import stat
import struct
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors import safe_open

import thalweg as tw
from thalweg._core import memory
from thalweg.data import ImageEncoder, Rows
from thalweg.data.images import _decoding, _reading
from thalweg.data.images.cache import _folder
from thalweg.data.images.cache._entry import HEADER, DamagedError, Entry
from thalweg.errors import DataError


@pytest.fixture(autouse=True)
def cache(tmp_path_factory, monkeypatch) -> Path:
    """A cache of its own, in which even the smallest folder is kept."""
    folder = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("THALWEG_CACHE", str(folder))
    monkeypatch.setattr(_decoding, "WORTH_KEEPING", 0)
    return folder / "pictures"


@pytest.fixture
def photos(tmp_path) -> Path:
    """Thirty pictures of two classes, with odd names, one of them damaged."""
    draw = np.random.default_rng(0)
    folder = tmp_path / "photos é"
    for number in range(30):
        place = folder / ("day" if number % 2 else "night 🌙")
        place.mkdir(parents=True, exist_ok=True)
        shape = (20 + number % 3, 30, 3)
        pixels = draw.integers(120 * (number % 2), 120 + 120 * (number % 2), shape, dtype=np.uint8)
        Image.fromarray(pixels).save(place / f"n {number}.{random.Random(number).choice(KINDS)}")
    (folder / "day" / "torn.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    return folder


KINDS = ["png", "jpg", "webp", "bmp"]


@pytest.fixture
def decodings(monkeypatch) -> list[Path]:
    """Every file that is decoded from now on."""
    found, read = [], _reading.read_pixels

    def counted(path, *others):
        found.append(path)
        return read(path, *others)

    monkeypatch.setattr(_reading, "read_pixels", counted)
    return found


def load(folder: Path, **options) -> tw.data.Splits:
    return tw.load(folder, size=options.pop("size", 16), **options)


def reason(data: tw.data.Splits) -> str:
    (choice,) = [each for each in data.schema.choices if each.setting == "cache"]
    return choice.reason


def kept(cache: Path) -> Path:
    (path,) = cache.glob("*.safetensors")
    return path


def same(first: tw.data.Splits, second: tw.data.Splits) -> bool:
    return first.schema.fingerprint == second.schema.fingerprint and all(
        torch.equal(first[part].inputs[:], second[part].inputs[:])
        and first[part].names == second[part].names
        for part in ("train", "valid", "test")
    )


def test_the_second_time_nothing_is_decoded_and_all_is_the_same(photos, cache, decodings):
    plain = load(photos, cache=False)
    decodings.clear()
    first = load(photos)
    assert len(decodings) == 30  # The header of the damaged one was enough.
    assert reason(first).startswith("decoded once; kept for the next time")
    decodings.clear()
    second = load(photos)
    assert decodings == []
    assert reason(second).startswith("decoded earlier, no file has changed since")
    assert same(plain, first)
    assert same(first, second)
    assert plain.schema.encoder.to_json() == second.schema.encoder.to_json()
    assert str(kept(cache)) in reason(second)

    def told(data):
        return [each for each in data.schema.choices if each.setting != "cache"]

    assert told(plain) == told(first) == told(second)
    assert plain.schema.duplicates == second.schema.duplicates


def test_nothing_is_written_beside_the_photographs(photos, cache):
    before = sorted(photos.rglob("*"))
    load(photos)
    assert sorted(photos.rglob("*")) == before
    assert kept(cache).is_file()


def test_photographs_are_for_their_owner_alone(photos, cache):
    load(photos)
    assert stat.S_IMODE(kept(cache).stat().st_mode) == 0o400
    assert stat.S_IMODE(cache.stat().st_mode) == 0o700


def test_what_is_mapped_is_never_written_to_but_replaced_by_another_file(photos, cache):
    before = load(photos)
    path, pixels = kept(cache), before.train.inputs[:].clone()
    with path.open("rb") as held:
        content, number = path.read_bytes(), path.stat().st_ino
        touch(next(photos.rglob("*.jpg")))
        load(photos)
        assert kept(cache) == path
        assert path.stat().st_ino != number
        assert held.read() == content
    assert torch.equal(before.train.inputs[:], pixels)


def test_the_file_is_one_that_others_can_open(photos, cache):
    data = load(photos)
    with safe_open(kept(cache), framework="pt") as file:
        pixels, rows = file.get_tensor("pixels"), file.get_tensor("kept")
    assert pixels.shape == (30, 3, 16, 16)
    assert sorted(rows.tolist()) == sorted(set(range(31)) - {15})
    assert any(torch.equal(pixels[0], each) for each in data.train.inputs[:])


def touch(path: Path) -> None:
    about = path.stat()
    os.utime(path, ns=(about.st_atime_ns, about.st_mtime_ns + 1))


def test_a_folder_that_changed_is_decoded_anew_and_says_how(photos, decodings):
    load(photos)
    day = sorted((photos / "day").glob("n *"))
    touch(day[0])
    day[1].unlink()
    Image.new("RGB", (20, 20), (200, 30, 40)).save(photos / "day" / "new.png")
    decodings.clear()
    data = load(photos)
    assert reason(data).startswith("decoded anew (1 file added, 1 removed, 1 altered since);")
    assert len(decodings) == 30
    assert reason(load(photos)).startswith("decoded earlier")


def test_a_damaged_picture_that_was_mended_is_taken(photos):
    assert sum(load(photos).schema.counts.values()) == 30
    Image.new("RGB", (20, 20), (9, 200, 40)).save(photos / "day" / "torn.png")
    data = load(photos)
    assert reason(data).startswith("decoded anew (1 file altered since);")
    assert sum(data.schema.counts.values()) == 31


def test_other_sizes_are_kept_apart(photos, cache, decodings):
    load(photos)
    load(photos, size=12)
    load(photos, channels=1)
    load(photos, margin=0.5)
    assert len(list(cache.glob("*.safetensors"))) == 4
    decodings.clear()
    for options in ({}, {"size": 12}, {"channels": 1}, {"margin": 0.5}, {"standardize": "train"}):
        assert reason(load(photos, **options)).startswith("decoded earlier")
    assert decodings == []


def test_another_version_of_pillow_decodes_anew(photos, monkeypatch):
    load(photos)
    monkeypatch.setattr("PIL.__version__", "99.0")
    assert reason(load(photos)).startswith("decoded anew (another version of Pillow since);")


def longer(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"x")


def cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def empty(path: Path) -> None:
    path.write_bytes(b"")


def flipped(place: int):
    def flip(path: Path) -> None:
        content = bytearray(path.read_bytes())
        content[place] ^= 4
        path.write_bytes(content)

    return flip


def other_shape(path: Path) -> None:
    """Say that there are more channels and fewer rows: the same length."""
    content = bytearray(path.read_bytes())
    length = struct.unpack("<Q", content[:8])[0]
    header = json.loads(content[8 : 8 + length])
    header["pixels"]["shape"] = [30, 6, 8, 16]
    content[8 : 8 + length] = json.dumps(header).encode().ljust(length)
    path.write_bytes(content)


def moved(path: Path) -> None:
    """Say that the pixels begin elsewhere in the file."""
    content = bytearray(path.read_bytes())
    length = struct.unpack("<Q", content[:8])[0]
    header = json.loads(content[8 : 8 + length])
    ends = header["digests"]["data_offsets"]
    header["digests"]["data_offsets"] = [ends[0] - 8, ends[1] - 8]
    content[8 : 8 + length] = json.dumps(header).encode().ljust(length)
    path.write_bytes(content)


DAMAGES = {
    "cut": cut,
    "empty": empty,
    "longer": longer,
    "length of the header": flipped(0),
    "text of the header": flipped(30),
    "first pixel": flipped(HEADER),
    "another pixel": flipped(HEADER + 9999),
    "what is known": flipped(-3000),
    "checksums": flipped(-20),
    "shape": other_shape,
    "offsets": moved,
    "text": flipped(-120),
}


def test_whatever_is_altered_is_damage_or_of_no_consequence(photos, cache):
    first = load(photos)
    path, draw = kept(cache), random.Random(0)
    entry, whole = Entry.open(path), path.read_bytes()
    path.chmod(0o600)
    for _ in range(300):
        content = bytearray(whole)
        place = draw.choice([draw.randrange(700), draw.randrange(len(content))])
        content[place] = draw.randrange(256)
        path.write_bytes(content)
        try:
            found = Entry.open(path)
            found.check_pixels()
        except DamagedError:
            continue
        assert found.about == entry.about
        assert torch.equal(found.pictures[:], entry.pictures[:])
    path.write_bytes(whole)
    assert same(first, load(photos))


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_file_is_noticed_and_made_anew(photos, cache, damage):
    first = load(photos)
    kept(cache).chmod(0o600)
    damage(kept(cache))
    second = load(photos)
    assert reason(second).startswith("decoded anew (what was kept was damaged, "), reason(second)
    assert same(first, second)
    assert reason(load(photos)).startswith("decoded earlier")


@pytest.mark.parametrize("kind", ["link", "pipe"])
def test_a_link_or_a_pipe_in_its_place_is_replaced(photos, cache, tmp_path, kind):
    first = load(photos)
    path = kept(cache)
    precious = path.rename(tmp_path / "precious")
    content = precious.read_bytes()
    if kind == "link":
        path.symlink_to(precious)
    else:
        os.mkfifo(path)
    second = load(photos)
    assert same(second, first)
    assert "it is no file" in reason(second)
    assert stat.S_ISREG(path.lstat().st_mode)
    assert precious.read_bytes() == content


def test_what_is_too_large_for_the_memory_stays_on_disk(photos, monkeypatch):
    plain = load(photos, cache=False)
    monkeypatch.setattr(memory, "available", lambda: 20_000)
    for _ in range(2):
        data = load(photos)
        assert isinstance(data.train.inputs, Rows)
        assert {"on disk"} == {
            each.value for each in data.schema.choices if each.setting == "pictures"
        }
        assert same(plain, data)


def test_training_from_disk_ends_in_the_same_bits(photos, monkeypatch):
    settings = {"epochs": 2, "batch_size": 4, "progress": False, "doctor": False}
    settings |= {"rotate": 10, "crop": 0.3, "noise": 0.1, "saturation": 0.3}
    plain = tw.fit("convnet", load(photos, cache=False), out="plain", **settings)
    with monkeypatch.context() as patch:
        patch.setattr(memory, "available", lambda: 20_000)
        data = load(photos)
    assert isinstance(data.train.inputs, Rows)
    run = tw.fit("convnet", data, out="disk", **settings)
    ours, theirs = run.model.state_dict(), plain.model.state_dict()
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)
    assert run.score("test") == plain.score("test")
    assert run.report("disk.html").stat().st_size > 10_000
    tw.conformance.check_data(data)


def test_small_folders_are_not_kept_unless_asked(photos, cache, monkeypatch):
    monkeypatch.setattr(_decoding, "WORTH_KEEPING", 10**9)
    data = load(photos)
    assert not cache.exists()
    assert not [each for each in data.schema.choices if each.setting == "cache"]
    load(photos, cache=True)
    assert kept(cache).is_file()


def test_the_cache_can_be_elsewhere(photos, cache, tmp_path):
    place = tmp_path / "fast disk"
    assert str(place) in reason(load(photos, cache=place))
    assert reason(load(photos, cache=str(place))).startswith("decoded earlier")
    assert not cache.exists()


def test_where_the_cache_is_by_default(monkeypatch, tmp_path):
    monkeypatch.delenv("THALWEG_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert _folder.cache_folder() == tmp_path / "xdg" / "thalweg" / "pictures"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert _folder.cache_folder() == tmp_path / ".cache" / "thalweg" / "pictures"


def test_a_cache_that_cannot_be_written_is_told_and_does_without(photos, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("THALWEG_CACHE", str(tmp_path / "file"))
    data = load(photos)
    assert "Not a directory; the pictures are kept in memory, and decoded anew" in reason(data)
    assert same(data, load(photos, cache=False))


def test_too_large_for_memory_and_cache_is_one_line(photos, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("THALWEG_CACHE", str(tmp_path / "file"))
    monkeypatch.setattr(memory, "available", lambda: 20_000)
    with pytest.raises(DataError, match=r"there is no cache for them: .*Not a directory\. Pass"):
        load(photos)
    with pytest.raises(DataError, match=r"no cache for them: cache=False\. Pass size=10 or"):
        load(photos, cache=False)


def test_what_was_not_used_for_long_makes_room(photos, cache, monkeypatch):
    load(photos)
    load(photos, size=12)
    old, newer = (each.path for each in _folder.contents(cache))
    os.utime(old, (1, 1))
    monkeypatch.setattr(_folder, "LARGEST_SHARE", 1e-12)  # nothing fits beside another
    data = load(photos, size=14)
    assert "2 older files removed to make room" in reason(data)
    assert not old.exists()
    assert not newer.exists()
    assert sum(load(photos, size=14).schema.counts.values()) == 30


def test_grey_pictures_saved_in_colour_are_kept_in_grey(tmp_path, cache, decodings):
    draw = np.random.default_rng(0)
    for number in range(12):
        place = tmp_path / "grey" / f"{number % 2}"
        place.mkdir(parents=True, exist_ok=True)
        pixels = draw.integers(0, 256, (20, 20, 1), dtype=np.uint8).repeat(3, axis=2)
        Image.fromarray(pixels).save(place / f"{number}.png")
        if number == 5:
            (place / "0 torn.png").write_bytes(pixels.tobytes())
    plain, first = load(tmp_path / "grey", cache=False), load(tmp_path / "grey")
    assert first.schema.encoder.shape == (1, 16, 16)
    assert same(plain, first)
    decodings.clear()
    assert same(load(tmp_path / "grey"), first)
    assert decodings == []


def test_a_table_of_pictures_is_kept_too(photos, decodings):
    names = sorted(path.relative_to(photos) for path in photos.rglob("n *"))
    lines = ["file,what", *(f"{name},{name.parent}" for name in names)]
    (photos / "table.csv").write_text("\n".join(lines))
    first = tw.load(photos / "table.csv", "what", images="file", size=16)
    decodings.clear()
    second = tw.load(photos / "table.csv", "what", images="file", size=16)
    assert decodings == []
    assert same(first, second)


def test_many_chunks_are_checked_and_read_alike(photos, monkeypatch):
    monkeypatch.setattr("thalweg.data.images.cache._entry.CHUNK", 7)
    monkeypatch.setattr("thalweg.data.images._facts.CHUNK", 7)
    first = load(photos)
    assert same(first, load(photos))
    assert same(first, load(photos, cache=False))


def test_pictures_that_are_predicted_are_cut_as_those_that_were_kept(photos):
    data = load(photos, margin=0.5)
    encoder = data.schema.encoder
    assert isinstance(encoder, ImageEncoder)
    assert (encoder.shape, encoder.stored) == ((3, 16, 16), (3, 20, 20))
    inputs, names = encoder.read(photos / "night 🌙")
    stored = dict(zip(names, encoder.encode(inputs), strict=True))
    pairs = zip(data.train.names, data.train.inputs, strict=True)
    kept = {name.split("/")[1]: each for name, each in pairs if name.startswith("night")}
    assert len(kept) > 5
    assert all(torch.equal(stored[name], each) for name, each in kept.items())
