"""Processes are killed, disks fill up and files are damaged; no training is lost or altered."""

import errno
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest
import torch
from torch import nn

import thalweg as tw
from thalweg._core.seals import sealed
from thalweg.errors import CheckpointError, RunError
from thalweg.train import _checkpoint, make_optimizer
from thalweg.train._state import State

FILES = ("tensors.safetensors", "history.jsonl", "state.json")


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def state_at(step: int, width: int = 4) -> State:
    """A state whose weights say its step."""
    model = nn.Linear(width, 2)
    state = State(model, make_optimizer(model, "adamw", learning_rate=0.1))
    model(torch.ones(1, width)).sum().backward()
    state.optimizer.step()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.fill_(step)
    state.step = step
    return state


def restored(folder: Path, width: int = 4) -> State:
    """What a run would go on from, whole: weights and position are of the same step."""
    state = state_at(-1, width)
    _checkpoint.restore(state, folder)
    assert {*state.model.weight.detach().flatten().tolist()} == {float(state.step)}
    return state


def says_the_same(damaged: bytes, whole: bytes) -> bool:
    """Whether both are JSON of one content: the last digit of a number may make no difference."""
    try:
        return json.loads(damaged) == json.loads(whole)
    except ValueError:
        return False


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


# Killed


def test_killed_at_any_call_it_goes_on_to_the_same_bits(run_to_end, start, same, tmp_path):
    counted = run_to_end("number = count_calls(); fit('counted'); print(number[0])")
    calls, draw = int(counted), random.Random(0)
    pieces = 18
    for piece in range(pieces):
        at = draw.randrange(calls * piece // pieces, calls * (piece + 1) // pieces)
        folder = tmp_path / f"cut-{at}"
        killed = start("die_at_call(at); fit(folder)", at=at, folder=str(folder))
        assert killed.wait() == -signal.SIGKILL, (at, killed.said)
        run_to_end("go_on(folder)", folder=str(folder))
        same(folder)


def test_killed_at_any_moment_and_again_it_goes_on_to_the_same_bits(
    run_to_end, start, same, tmp_path
):
    draw, folder, kills = random.Random(1), tmp_path / "run", 0
    for number in range(12):
        if number % 4 == 0:
            shutil.rmtree(folder, ignore_errors=True)
        child = start("go_on(folder)", folder=str(folder))
        time.sleep(draw.uniform(0.0, 0.25))
        child.signal(signal.SIGKILL)
        kills += child.wait() == -signal.SIGKILL
        if number % 4 == 3:
            run_to_end("go_on(folder)", folder=str(folder))
            same(folder)
    assert kills


def test_killed_by_the_system_in_the_middle_of_a_file_it_goes_on_to_the_same_bits(
    run_to_end, start, calm, same, tmp_path
):
    largest = max(path.stat().st_size for path in (calm / "checkpoint").rglob("*"))
    code = """
import resource
signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
fit("run")
"""
    killed = start(code, limit=largest - 100)
    assert killed.wait() == -signal.SIGXFSZ, killed.said
    (half,) = (tmp_path / "run" / "checkpoint").glob(".step-*.partial/.*.partial")
    assert half.stat().st_size == largest - 100
    run_to_end("go_on('run')")
    same(tmp_path / "run")


def test_killed_before_the_old_is_removed_all_are_whole(run_to_end, start, same, tmp_path):
    code = """
def die(name, arguments):
    if name == "os.remove" and "step-000000002/" in str(arguments[0]):
        os.kill(os.getpid(), signal.SIGKILL)
at_each_call(die)
fit("run")
"""
    killed = start(code)
    assert killed.wait() == -signal.SIGKILL, killed.said
    found = _checkpoint.checkpoints(tmp_path / "run" / "checkpoint")
    assert [path.name[-1] for path in found] == ["4", "3", "2"]
    for path in found:
        assert _checkpoint._read(path).step == int(path.name[-1])
    run_to_end("go_on('run')")
    same(tmp_path / "run")
    assert len(names(tmp_path / "run" / "checkpoint")) == _checkpoint.KEPT


@pytest.mark.parametrize("gone", [1, 2])
def test_killed_while_the_old_is_removed_the_rest_goes_next_time(tmp_path, gone):
    for step in (1, 2, 3):
        _checkpoint.save(state_at(step), tmp_path)
    old = shutil.copytree(tmp_path / "step-000000002", tmp_path / "step-000000001")
    for name in FILES[:gone]:
        (old / name).unlink()
    (tmp_path / ".step-000000009.partial").mkdir()
    assert restored(tmp_path).step == 3
    _checkpoint.save(state_at(4), tmp_path)
    assert names(tmp_path) == ["step-000000003", "step-000000004"]


def test_only_one_of_two_processes_gets_a_folder(start, tmp_path):
    # Whoever gets it trains until the others were refused, however late they come.
    code = """
update = tw.train._loop.update
def held(*arguments):
    while len(list(Path().glob("refused-*"))) < 2:
        time.sleep(0.01)
    return update(*arguments)
tw.train._loop.update = held
try:
    fit("run")
except tw.errors.RunError:
    Path(f"refused-{os.getpid()}").touch()
    raise
"""
    children = [start(code) for _ in range(3)]
    codes = [child.wait() for child in children]
    assert sorted(codes) == [0, 1, 1]
    for child, code in zip(children, codes, strict=True):
        if code:
            assert "is in use by another process" in child.said, child.said
    assert tw.train.Run.peek(tmp_path / "run").status.state == "finished"


def test_what_a_living_process_is_writing_is_not_swept_away(tmp_path):
    from thalweg._core import files

    alive = tmp_path / f".status.json.{os.getpid()}.partial"
    ended = subprocess.Popen(["true"])
    ended.wait()
    dead = tmp_path / f".status.json.{ended.pid}.partial"
    for path in (alive, dead):
        path.write_text("half")
    with files.locked(tmp_path):
        assert alive.exists()
        assert not dead.exists()


# Disks


def test_a_full_disk_ends_the_run_and_with_room_it_goes_on_to_the_same_bits(
    small_disk, run_to_end, start, same
):
    with small_disk("64k") as disk:
        full = start("fit(folder)", folder=str(disk / "run"))
        assert full.wait() == 1
        assert "RunError: cannot write" in full.said
        assert "the disk is full" in full.said
        assert not list(disk.rglob("*.partial"))
        subprocess.run(["mount", "-o", "remount,size=1m", str(disk)], check=True)
        run_to_end("go_on(folder)", folder=str(disk / "run"))
        same(disk / "run")


def test_however_little_is_free_a_save_is_whole_or_an_error(small_disk):
    """Fills a disk up to the last page, then all but one, and so on until a save succeeds."""
    with small_disk("256k") as disk:
        folder = disk / "checkpoint"
        _checkpoint.save(state_at(1, width=500), folder)
        filler, errors = disk / "filler", 0
        for free in range(20):
            left = shutil.disk_usage(disk).free
            filler.write_bytes(b"x" * (left - 4096 * free))
            try:
                _checkpoint.save(state_at(2, width=500), folder)
            except RunError as error:
                errors += 1
                assert "the disk is full" in str(error)
                assert "needed" in str(error)
                assert restored(folder, width=500).step == 1
                assert names(folder) == ["step-000000001"]
            else:
                break
            filler.unlink()
        assert errors > 3
        assert restored(folder, width=500).step == 2


def test_a_file_that_may_not_grow_is_told_and_the_old_stays(tmp_path):
    """A limit of the system's on the size of files: a real error in the middle of a write."""
    _checkpoint.save(state_at(1), tmp_path)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (300, before[1]))
    try:
        with pytest.raises(RunError, match="File too large"):
            _checkpoint.save(state_at(2), tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert names(tmp_path) == ["step-000000001"]
    assert restored(tmp_path).step == 1


def test_an_error_at_any_call_of_a_save_is_told_and_the_old_stays(tmp_path, monkeypatch):
    """No disk here gives EIO on demand, so that the calls to the system are replaced."""
    failed = []
    for call in ("fsync", "rename", "replace", "mkdir"):
        original = getattr(os, call)
        for place in range(20):
            folder, count = tmp_path / f"{call}-{place}", 0
            for step in (1, 2):
                _checkpoint.save(state_at(step), folder)

            def failing(*arguments, call=original, place=place, **options):
                nonlocal count
                count += 1
                if count > place:
                    raise OSError(errno.EIO, os.strerror(errno.EIO))
                return call(*arguments, **options)

            with monkeypatch.context() as patch:
                patch.setattr(os, call, failing)
                try:
                    _checkpoint.save(state_at(3), folder)
                except RunError as error:
                    assert "Input/output error" in str(error)
                    failed.append((call, place))
                    # Renamed but not flushed, it is there and whole, though not certain to stay.
                    assert restored(folder).step in (2, 3)
                else:
                    break
            assert not list(folder.rglob("*.partial"))
    # Each file and its folder, then the folder of all; one folder is made and one renamed.
    assert [sum(name == call for name, _ in failed) for call in ("fsync", "rename")] == [7, 1]


def test_a_read_only_disk_is_told_before_the_first_step(read_only, three_classes, tmp_path):
    (tmp_path / "runs").mkdir()
    model = nn.Linear(4, 3)
    before = model.weight.detach().clone()
    with read_only(tmp_path / "runs"), pytest.raises(RunError, match="Read-only file system"):
        tw.fit(model, three_classes, epochs=1, out=tmp_path / "runs" / "one", progress=False)
    assert torch.equal(model.weight, before)


def test_a_disk_that_becomes_read_only_is_told_at_the_next_save(read_only, tmp_path):
    folder = tmp_path / "checkpoint"
    _checkpoint.save(state_at(1), folder)
    with read_only(folder):
        with pytest.raises(RunError, match="Read-only file system"):
            _checkpoint.save(state_at(2), folder)
        assert restored(folder).step == 1
    _checkpoint.save(state_at(3), folder)
    assert restored(folder).step == 3


def test_a_folder_that_became_a_file_is_told_at_the_next_save(tmp_path):
    folder = tmp_path / "checkpoint"
    folder.write_text("mine")
    with pytest.raises(RunError, match=r"Not a directory|File exists"):
        _checkpoint.save(state_at(1), folder)
    assert folder.read_text() == "mine"


def test_checkpoints_may_lie_on_another_disk(small_disk, run_to_end, start, same, tmp_path):
    with small_disk("1m") as disk:
        (tmp_path / "run").mkdir()
        (tmp_path / "run" / "checkpoint").symlink_to(disk)
        killed = start("die_at_call(150); fit('run')")
        assert killed.wait() == -signal.SIGKILL
        assert list(disk.glob("step-*"))
        run_to_end("go_on('run')")
        same(tmp_path / "run")


# Damage


@pytest.mark.parametrize("name", FILES)
def test_a_file_cut_short_is_named_and_the_one_before_is_used(tmp_path, name):
    for step in (1, 2):
        _checkpoint.save(state_at(step), tmp_path)
    path = tmp_path / "step-000000002" / name
    whole = path.read_bytes() or b"\n"
    for length in {0, 1, len(whole) // 2, len(whole) - 1} - {path.stat().st_size}:
        path.write_bytes(whole[:length])
        state = state_at(-1)
        (notice,) = _checkpoint.restore(state, tmp_path)
        assert state.step == 1
        assert "step-000000002 is damaged" in notice
        assert "Using the one before it" in notice
        assert "\n" not in notice


def test_a_bit_flipped_in_any_block_is_noticed_and_the_one_before_is_used(tmp_path):
    for step in (1, 2):
        state = state_at(step, width=2000)
        for number in range(1, 200):
            state.history.add_step(number, 0, 1 / number, 0.1)
        _checkpoint.save(state, tmp_path)
    draw, blocks = random.Random(2), 0
    for name in FILES:
        path = tmp_path / "step-000000002" / name
        whole = path.read_bytes()
        for start in range(0, len(whole), 4096):
            damaged = bytearray(whole)
            damaged[draw.randrange(start, min(start + 4096, len(whole)))] ^= 1 << draw.randrange(8)
            if says_the_same(damaged, whole):
                continue
            path.write_bytes(damaged)
            assert restored(tmp_path, width=2000).step == 1, (name, start)
            blocks += 1
        path.write_bytes(whole)
    assert blocks > 15
    assert restored(tmp_path, width=2000).step == 2


@pytest.mark.parametrize("name", FILES)
def test_a_checkpoint_that_lacks_a_file_is_passed_over(tmp_path, name):
    for step in (1, 2):
        _checkpoint.save(state_at(step), tmp_path)
    (tmp_path / "step-000000002" / name).unlink()
    assert restored(tmp_path).step == 1


def test_the_newest_is_the_one_of_the_latest_step_whatever_the_clock_said(tmp_path):
    for step in (1, 2):
        _checkpoint.save(state_at(step), tmp_path)
    for times in ((2_000_000_000, 1_000_000_000), (1_500_000_000, 1_500_000_000)):
        for step, seconds in zip((1, 2), times, strict=True):
            folder = tmp_path / f"step-{step:09d}"
            for path in (*folder.iterdir(), folder):
                os.utime(path, (seconds, seconds))
        assert restored(tmp_path).step == 2
    _checkpoint.save(state_at(3), tmp_path)
    assert names(tmp_path) == ["step-000000002", "step-000000003"]


def test_beyond_a_thousand_million_steps_the_newest_is_still_the_newest(tmp_path):
    for step in (999_999_999, 1_000_000_000):
        _checkpoint.save(state_at(step, width=1), tmp_path)
    assert _checkpoint.checkpoints(tmp_path)[0].name == "step-1000000000"


def test_a_later_format_alone_is_refused_and_stays(tmp_path):
    _checkpoint.save(state_at(1), tmp_path)
    path = tmp_path / "step-000000001" / "state.json"
    plain = json.loads(path.read_text()) | {"format": _checkpoint.FORMAT + 1}
    # Such a format may have other files and know nothing of these.
    del plain["checksums"]
    path.write_text(json.dumps(sealed(plain)))
    before = contents(tmp_path)
    with pytest.raises(CheckpointError, match=f"has format {_checkpoint.FORMAT + 1}.*Upgrade"):
        _checkpoint.restore(state_at(-1), tmp_path)
    assert contents(tmp_path) == before


# What belongs to others


def test_files_of_others_in_the_folder_of_checkpoints_stay_as_they_are(tmp_path):
    _checkpoint.save(state_at(1), tmp_path)
    mine = {
        "notes.txt": b"",
        "step-000000001/notes.txt": b"in one that is removed",
        "step-000000004/notes.txt": b"in one that is yet to be written",
        "step-000000001-good/state.json": (tmp_path / "step-000000001/state.json").read_bytes(),
        "step-by-step/state.json": b"{}",
        ".step-notes.partial/x": b"x",
        ".mine.partial/x": b"x",
    }
    for name, content in mine.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content)
    elsewhere = shutil.copytree(tmp_path / "step-000000001", tmp_path.with_name("elsewhere"))
    (tmp_path / "step-000000000").symlink_to(elsewhere)
    kept = contents(elsewhere)
    for step in (2, 3, 4, 5):
        _checkpoint.save(state_at(step), tmp_path)
        assert restored(tmp_path).step == step
    for name, content in mine.items():
        assert (tmp_path / name).read_bytes() == content, name
    assert contents(elsewhere) == kept
    assert not (tmp_path / "step-000000001" / "state.json").exists()


def test_resuming_a_copy_leaves_the_other_run_untouched(run_to_end, start, same, tmp_path):
    killed = start("die_at_call(200); fit('one')")
    assert killed.wait() == -signal.SIGKILL
    shutil.copytree(tmp_path / "one", tmp_path / "two")
    before = contents(tmp_path / "one")
    run_to_end("go_on('two')")
    assert contents(tmp_path / "one") == before
    same(tmp_path / "two")
    run_to_end("go_on('one')")
    same(tmp_path / "one")


def test_a_checkpoint_holds_the_values_at_the_call(tmp_path):
    state = state_at(1)
    _checkpoint.save(state, tmp_path)
    with torch.no_grad():
        state.model.weight.fill_(99)
    assert restored(tmp_path).step == 1
