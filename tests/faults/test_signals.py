"""Signals, and machines that give little: training goes on, or ends in a line."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import thalweg as tw
from thalweg.train import _checkpoint

SEND = """
def sending(function):
    calls = 0
    def call(*arguments, **options):
        nonlocal calls
        calls += 1
        if calls == at:
            os.kill(os.getpid(), number)
        return function(*arguments, **options)
    return call

module = {"update": tw.train._loop, "validate": tw.train._loop, "fsync": os}[name]
setattr(module, name, sending(getattr(module, name)))
fit("run")
"""
# Of six steps in two epochs, each followed by a save; a save flushes seven times, and the
# beginning of a run eight times more.
PLACES = {"update": (4, 4), "validate": (1, 3), "fsync": (40, None)}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("place", PLACES)
def test_a_signal_is_heeded_within_a_step_and_resuming_gives_the_same_bits(
    start, run_to_end, same, tmp_path, place, number
):
    at, step = PLACES[place]
    child = start(SEND, name=place, at=at, number=int(number))
    assert child.wait() == 128 + number, child.said
    status = tw.train.Run.peek(tmp_path / "run").status
    assert status.state == "interrupted"
    assert step in (None, status.steps)
    newest = _checkpoint.checkpoints(tmp_path / "run" / "checkpoint")[0]
    assert newest.name == _checkpoint.checkpoint_name(status.steps)
    run_to_end("go_on('run')")
    same(tmp_path / "run")


@pytest.mark.parametrize("at", range(38, 46, 2))
def test_a_second_ctrl_c_during_a_save_leaves_the_old_whole(start, run_to_end, same, tmp_path, at):
    code = """
flush, count = os.fsync, 0
def fsync(handle):
    global count
    count += 1
    if count == at:
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)
    flush(handle)
os.fsync = fsync
fit("run")
"""
    child = start(code, at=at)
    assert child.wait() == 130, child.said
    assert not list((tmp_path / "run").rglob("*.partial"))
    for path in _checkpoint.checkpoints(tmp_path / "run" / "checkpoint"):
        _checkpoint._read(path)
    run_to_end("go_on('run')")
    same(tmp_path / "run")


TRAIN = "sys.exit(thalweg.cli.main(['train', 'iris', '--quiet', 'epochs=2', *words]))"


LIMIT = "import resource\nresource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))\n"


def test_few_open_files_are_enough(start, tmp_path):
    child = start(LIMIT + TRAIN, limit=64, words=["--out", "run"])
    assert child.wait() == 0, child.said
    assert (tmp_path / "run" / "report.html").exists()


def test_too_few_open_files_are_one_line(start):
    child = start(LIMIT + TRAIN, limit=8, words=["--out", "run"])
    assert child.wait() == 1
    assert child.said.endswith(
        "Too many open files. Close some, or raise the limit: ulimit -n 4096.\n"
    )
    assert child.said.strip().count("\n") == 0


def test_without_an_output_the_command_trains(start, tmp_path):
    child = start("sys.stdout = None\n" + TRAIN, words=["--out", "run", "--no-report"])
    assert child.wait() == 0, child.said


def test_without_an_output_a_script_trains(run_to_end, same, tmp_path):
    run_to_end("os.close(1); os.close(2); sys.stdout = sys.stderr = None; fit('run')")
    same(tmp_path / "run")


def test_a_working_folder_that_may_not_be_written_is_one_line(read_only, start, tmp_path):
    (tmp_path / "cwd").mkdir()
    with read_only(tmp_path / "cwd"):
        child = start("os.chdir('cwd')\n" + TRAIN, words=[])
        assert child.wait() == 1
    assert child.said == (
        "error: cannot write runs/iris-1: Read-only file system. Choose another folder with "
        "--out or out=.\n"
    )


SPAWN = """
import multiprocessing
import sys

def train(folder):
    import thalweg as tw
    tw.fit("mlp", "iris", epochs=2, out=folder, progress=False)

if __name__ == "__main__":
    process = multiprocessing.get_context("spawn").Process(target=train, args=sys.argv[1:])
    process.start()
    process.join()
    raise SystemExit(process.exitcode)
"""


def test_spawned_without_a_home_and_where_nothing_may_be_written_it_trains(read_only, tmp_path):
    (tmp_path / "cwd").mkdir()
    (tmp_path / "script.py").write_text(SPAWN)
    with read_only(tmp_path / "cwd") as folder:
        ended = subprocess.run(
            [sys.executable, tmp_path / "script.py", str(tmp_path / "run")],
            cwd=folder,
            env={name: value for name, value in os.environ.items() if name != "HOME"},
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert (ended.returncode, ended.stderr) == (0, "")
    assert tw.train.Run.load(tmp_path / "run").status.state == "finished"


MEMORY = """
import gc
def taken():
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20
"""
MOST_GROWTH = 8.0
"""Mebibytes. Allocators keep some; a leak of a kibibyte per step or a mebibyte per run shows."""


def test_memory_is_flat_over_two_thousand_steps(run_to_end):
    code = """
seen = []
step = tw.train.observers.Saver.step
def counting(saver, state):
    if state.step in (500, 2000):
        seen.append(taken())
    step(saver, state)
tw.train.observers.Saver.step = counting
fit("run", epochs=667, checkpoint_every=None, doctor=True)
print(seen[1] - seen[0], len(seen))
"""
    growth, count = run_to_end(MEMORY + code).split()
    assert count == "2"
    assert float(growth) < MOST_GROWTH


def test_memory_is_flat_over_thirty_runs(run_to_end):
    code = """
seen = []
for number in range(30):
    fit(f"run-{number}", epochs=1, checkpoint_every=None, doctor=True)
    if number in (9, 29):
        seen.append(taken())
print(seen[1] - seen[0])
"""
    assert float(run_to_end(MEMORY + code)) < MOST_GROWTH


def test_a_disk_too_full_for_the_page_keeps_the_run_and_says_so_in_one_line(small_disk, start):
    with small_disk("256k") as disk:
        child = start(TRAIN, words=["--out", str(disk / "run")])
        assert child.wait() == 1
        assert child.said.count("error: ") == 1
        assert "report.html: the disk is full" in child.said
        run = tw.Run.load(disk / "run")
        assert run.status.state == "finished"
        assert "test" in run.scores


def test_a_disk_too_full_for_the_history_ends_in_one_line_and_goes_on_with_room(small_disk, start):
    with small_disk("96k") as disk:
        folder = str(disk / "run")
        words = ["--out", folder, "--no-report", "epochs=200", "batch_size=32"]
        child = start(TRAIN, words=words)
        assert child.wait() == 1
        assert child.said.count("\n") == 1
        assert "history.jsonl: the disk is full" in child.said
        subprocess.run(["mount", "-o", "remount,size=4m", str(disk)], check=True)
        child = start(
            "sys.exit(thalweg.cli.main(['resume', folder, '--quiet', '--no-report']))",
            folder=folder,
        )
        assert child.wait() == 0, child.said
        assert len(tw.Run.load(Path(folder)).history) == 200
