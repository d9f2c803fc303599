"""The decode cache under kills, full and read-only disks, and company."""

import os
import random
import signal
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import thalweg as tw
from thalweg.data.images import _decoding

# What a child runs: pictures of any number are kept, and slowly decoded where that is wanted, or
# not beyond the tenth before some file is there.
SETUP = """
import os
from thalweg._core.progress import shown
from thalweg.data.images import _decoding, _reading
_decoding.WORTH_KEEPING = 0
os.environ["THALWEG_CACHE"] = cache
decoded = [0]
read = _reading.read_pixels
def counted(*given):
    decoded[0] += 1
    time.sleep(pause)
    while decoded[0] > 10 and hold and not os.path.exists(hold):
        time.sleep(0.01)
    return read(*given)
_reading.read_pixels = counted
def load(folder="photos"):
    with shown(True):
        data = tw.load(folder, size=16)
    told = [each.reason for each in data.schema.choices if each.setting == "cache"]
    print(data.schema.fingerprint, decoded[0], *told, flush=True)
"""
PICTURES = 40


@pytest.fixture(autouse=True)
def photos(tmp_path) -> Path:
    draw = np.random.default_rng(0)
    folder = tmp_path / "photos"
    for number in range(PICTURES):
        place = folder / ("day" if number % 2 else "night")
        place.mkdir(parents=True, exist_ok=True)
        pixels = draw.integers(0, 256, (20, 20, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(place / f"{number}.png")
    (folder / "night" / "torn.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    return folder


@pytest.fixture
def right(photos) -> str:
    """The fingerprint of the pictures as nothing happened to them."""
    return tw.load(photos, size=16, cache=False).schema.fingerprint


@pytest.fixture
def child(start, tmp_path):
    def begin(
        code: str = "load()",
        pause: float = 0.0,
        cache: Path = tmp_path / "cache",
        hold: Path | None = None,
        **names,
    ):
        given = {"cache": str(cache), "pause": pause, "hold": str(hold) if hold else None}
        return start(SETUP + code, **given, **names)

    return begin


def said(done) -> list[str]:
    """Return the fingerprint, how many were decoded, and what is said of the cache."""
    assert done.wait() == 0, done.said
    return done.said.splitlines()[-1].split(" ", 2)


def files(tmp_path: Path) -> list[Path]:
    """Return everything in the cache but locks."""
    found = (tmp_path / "cache").rglob("*")
    return [path for path in found if path.is_file() and path.suffix != ".lock"]


def test_killed_at_any_write_nothing_half_written_is_read(child, tmp_path, right):
    code = """
number = 0
write, replace = os.pwrite, Path.replace
def mortal(call):
    def run(*given):
        global number
        number += 1
        if number > last:
            os.kill(os.getpid(), signal.SIGKILL)
        return call(*given)
    return run
os.pwrite, os.ftruncate, os.fsync = map(mortal, (os.pwrite, os.ftruncate, os.fsync))
Path.replace = mortal(Path.replace)
load()
print(number)
"""
    whole = child(code, last=10**9)
    assert whole.wait() == 0, whole.said
    writes = int(whole.said.splitlines()[-1])
    (complete,) = files(tmp_path)
    complete.unlink()
    # The first and the last ones, and some of the many between.
    chosen = {0, 1, *random.Random(0).sample(range(writes), 6), *range(writes - 6, writes)}
    for last in sorted(chosen):
        killed = child(code, last=last)
        assert killed.wait() == -signal.SIGKILL, (last, killed.said)
        if last < writes - 1:  # The very last call flushes the folder, after the renaming.
            assert [path.suffix for path in files(tmp_path)] == [".partial"], last
        fingerprint, _, reason = said(child())
        assert fingerprint == right, last
        (complete,) = files(tmp_path)  # What the killed one left is gone.
        assert "decoded" in reason
        complete.unlink()


def test_killed_at_any_moment_the_next_one_goes_on(child, tmp_path, right):
    draw, kills = random.Random(0), 0
    for _ in range(6):
        killed = child(pause=0.005)
        time.sleep(draw.uniform(0.0, 0.15))
        killed.signal(signal.SIGKILL)
        kills += killed.wait() == -signal.SIGKILL
    assert kills
    assert said(child())[0] == right
    assert len(files(tmp_path)) == 1


def test_interrupted_it_stops_at_once_and_leaves_nothing(child, tmp_path):
    code = """
try:
    load()
finally:
    print(decoded[0], flush=True)
"""
    stopped = child(code, pause=1.0)
    wait_until(lambda: is_begun(tmp_path))
    stopped.signal(signal.SIGINT)
    assert stopped.wait() == 130, stopped.said
    assert int(stopped.said.split()[-1]) < PICTURES
    assert files(tmp_path) == []


def is_begun(tmp_path: Path) -> bool:
    """Whether a cache is being written."""
    return bool(list((tmp_path / "cache").rglob("*.partial")))


def waits(child) -> bool:
    """Whether a process has said that it waits for another one."""
    return "Another process is decoding these pictures" in child.said


def wait_until(is_so) -> None:
    began = time.monotonic()
    while not is_so():
        assert time.monotonic() - began < 600
        time.sleep(0.005)


def test_two_at_once_decode_once_and_have_the_same(child, tmp_path, right):
    go = tmp_path / "go"
    first = child(hold=go)
    wait_until(lambda: is_begun(tmp_path))
    second = child()
    wait_until(lambda: waits(second))
    go.touch()
    (one, many, _), (other, none, reason) = said(first), said(second)
    assert one == other == right
    assert (many, none) == (str(PICTURES), "0")
    assert reason.startswith("decoded by another process just now")
    assert len(files(tmp_path)) == 1


def test_who_waits_for_one_that_is_killed_decodes_itself(child, tmp_path, right):
    first = child(hold=tmp_path / "never")
    wait_until(lambda: is_begun(tmp_path))
    second = child()
    wait_until(lambda: waits(second))
    first.signal(signal.SIGKILL)
    assert first.wait() == -signal.SIGKILL
    fingerprint, many, reason = said(second)
    assert (fingerprint, many) == (right, str(PICTURES))
    assert reason.startswith("decoded once")
    assert len(files(tmp_path)) == 1


def test_without_locks_two_at_once_both_end_well(child, tmp_path, right):
    code = """
import fcntl
def refuse(*given):
    raise OSError(95, "Operation not supported")
fcntl.flock = refuse
load()
"""
    both = [child(code, pause=0.005) for _ in range(2)]
    assert [said(each)[0] for each in both] == [right, right]
    assert len(files(tmp_path)) == 1


def test_a_picture_that_changes_meanwhile_is_noticed_the_next_time(child, tmp_path, photos):
    go = tmp_path / "go"
    first = child(hold=go)
    wait_until(lambda: is_begun(tmp_path))
    for path in (photos / "day").iterdir():
        Image.new("RGB", (30, 30), (int(path.stem) * 6, 0, 0)).save(path)
    go.touch()
    said(first)
    _, many, reason = said(child())
    assert many == str(PICTURES)
    assert reason.startswith(f"decoded anew ({PICTURES // 2} files altered since)")
    assert said(child())[1] == "0"


def test_an_edit_of_equal_size_and_time_is_noticed(child, photos):
    first, _, _ = said(child())
    path = photos / "day" / "1.png"
    about, pixels = path.stat(), np.array(Image.open(path))
    for value in range(256):
        pixels[0, 0] = value
        Image.fromarray(pixels).save(path)
        if path.stat().st_size == about.st_size:
            break
    os.utime(path, ns=(about.st_atime_ns, about.st_mtime_ns))
    assert path.stat().st_size == about.st_size
    assert path.stat().st_mtime_ns == about.st_mtime_ns
    second, _, reason = said(child())
    assert reason.startswith("decoded anew (1 file altered since)")
    assert second != first


def test_a_change_within_the_clocks_tick_is_noticed(child, photos):
    code = """
folder = "photos/day"
first = open(f"{folder}/1.png", "rb").read()
for number in range(20):
    with open(f"{folder}/1.png", "r+b") as file:
        file.write(first[:-1] + bytes([number]))
    load()
"""
    done = child(code)
    assert done.wait() == 0, done.said
    reasons = [line.split(" ", 2)[2] for line in done.said.splitlines()]
    assert len(reasons) == 20
    assert all("1 file altered since" in reason for reason in reasons[1:])


def test_classes_are_those_of_today(child, photos):
    said(child())
    (photos / "day").rename(photos / "dusk")
    code = "data = tw.load('photos', size=16); print('now', decoded[0], data.schema.target.classes)"
    assert said(child(code)) == ["now", str(PICTURES), "('dusk', 'night')"]


def test_a_full_disk_is_found_before_the_work_and_memory_serves(child, small_disk, right):
    with small_disk("32k") as disk:
        fingerprint, many, reason = said(child(cache=disk))
        assert (fingerprint, many) == (right, str(PICTURES))
        assert "are needed in" in reason
        assert reason.endswith("the pictures are kept in memory, and decoded anew each time")
        assert not [path for path in disk.rglob("*") if path.suffix == ".partial"]


def test_a_disk_that_fills_up_meanwhile_is_told_and_memory_serves(child, small_disk, right):
    code = """
os.posix_fallocate = lambda *given: None
from thalweg.data.images.cache import _folder
_folder.FREE_SHARE = -100.0
load()
"""
    with small_disk("16k") as disk:
        fingerprint, _, reason = said(child(code, cache=disk))
        assert fingerprint == right
        assert "the disk is full; the pictures are kept in memory" in reason
        assert not [path for path in disk.rglob("*") if path.suffix == ".partial"]


def test_a_full_disk_for_pictures_larger_than_memory_is_one_line(
    small_disk, photos, monkeypatch, capfd
):
    from thalweg._core import memory
    from thalweg.cli import main

    monkeypatch.setattr(memory, "available", lambda: 30_000)
    with small_disk("32k") as disk:
        monkeypatch.setenv("THALWEG_CACHE", str(disk))
        assert main(["train", str(photos), "size=16", "epochs=1"]) != 0
    told = capfd.readouterr().err.strip()
    assert told.count("\n") == 0
    assert "41 pictures of 16×16 pixels in 3 channels need 30.8 KiB" in told
    assert "there is no cache for them: 82.8 KiB are needed in" in told


def test_a_disk_that_may_only_be_read_serves_what_it_has(child, read_only, tmp_path, right, photos):
    said(child())
    with read_only(tmp_path / "cache"):
        fingerprint, many, reason = said(child())
        assert (fingerprint, many) == (right, "0")
        assert reason.startswith("decoded earlier")
        Image.new("RGB", (30, 30)).save(photos / "day" / "new.png")
        _, many, reason = said(child())
        assert many == str(PICTURES + 1)
        assert "Read-only file system; the pictures are kept in memory" in reason
    assert _decoding.WORTH_KEEPING > 0
