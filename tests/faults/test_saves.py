"""Saves in the background, in real processes: none is lost, and none fails unheard."""

import os
import signal
import subprocess
import sys

import thalweg as tw
from thalweg.train import _checkpoint

SLOW = """
import threading

write, update = tw.train._checkpoint.write, tw.train._loop.update
join = threading.Thread.join
done = 0

# A thread writes once training waits for it: slower than any step, however busy the machine.
def slow_write(snapshot, folder):
    thread = threading.current_thread()
    while thread is not threading.main_thread() and not hasattr(thread, "is_waited_for"):
        time.sleep(0.001)
    try:
        write(snapshot, folder)
    except Exception:
        print("failed", snapshot.step, "while at", done, flush=True)
        raise
    print("saved", snapshot.step, "while at", done, flush=True)

def telling_join(thread, timeout=None):
    thread.is_waited_for = True
    join(thread, timeout)

def counting_update(*arguments):
    global done
    result = update(*arguments)
    done += 1
    at_step(done)
    return result

def at_step(number):
    pass

tw.train._checkpoint.write, tw.train._loop.update = slow_write, counting_update
threading.Thread.join = telling_join
"""


def test_a_checkpoint_written_beside_training_holds_the_values_at_the_call(
    start, run_to_end, same, tmp_path
):
    """Steps change the weights while they are written; going on from there gives the same bits."""
    code = """
def at_step(number):
    if number == 6:
        os.kill(os.getpid(), signal.SIGKILL)
fit("run", checkpoint_every=2)
"""
    child = start(SLOW + code)
    assert child.wait() == -signal.SIGKILL, child.said
    assert child.said.splitlines() == ["saved 0 while at 0", "saved 2 while at 4"]
    (path, _) = _checkpoint.checkpoints(tmp_path / "run" / "checkpoint")
    assert path.name == _checkpoint.checkpoint_name(2)
    run_to_end("go_on('run')")
    same(tmp_path / "run")


FILL = """
def fill(*_):
    try:
        with open(disk + "/filler", "wb", buffering=0) as file:
            while True:
                file.write(b"x" * 4096)
    except OSError:
        pass
"""


def test_a_disk_full_in_the_thread_ends_training_at_the_next_step_and_with_room_it_goes_on(
    small_disk, start, run_to_end, same
):
    code = """
def at_step(number):
    if number == 2:
        fill()
    if number == 4:
        (thread,) = [each for each in threading.enumerate() if each.name == "thalweg save"]
        thread.join()
try:
    fit(disk + "/run", checkpoint_every=3)
finally:
    print("ended at", done, flush=True)
"""
    with small_disk("256k") as disk:
        child = start(SLOW + FILL + code, disk=str(disk))
        assert child.wait() == 1
        assert "failed 3 while at 4\nended at 4\n" in child.said
        assert "RunError: cannot write" in child.said
        assert "the disk is full" in child.said
        assert not list(disk.rglob("*.partial"))
        (disk / "filler").unlink()
        run_to_end("go_on(folder)", folder=str(disk / "run"))
        same(disk / "run")


def test_a_disk_full_at_the_last_save_is_an_error_and_not_an_interruption(small_disk, start):
    code = """
def at_step(number):
    if number == 5:
        fill()
        os.kill(os.getpid(), signal.SIGTERM)
fit(disk + "/run", checkpoint_every=None)
"""
    with small_disk("256k") as disk:
        child = start(SLOW + FILL + code, disk=str(disk))
        assert child.wait() == 1
        assert "the disk is full" in child.said
        assert tw.train.Run.peek(disk / "run").status.state == "running"


def test_on_the_command_line_a_failed_save_is_one_line(small_disk, start):
    code = """
update = tw.train._loop.update
def filling(plan, state, *rest):
    if state.step == 4:
        fill()
    return update(plan, state, *rest)
tw.train._loop.update = filling
words = ["train", "iris", "--quiet", "--no-report", "epochs=50", "checkpoint_every=1"]
sys.exit(thalweg.cli.main([*words, "--out", disk + "/run"]))
"""
    with small_disk("256k") as disk:
        child = start(FILL + code, disk=str(disk))
        assert child.wait() == 1
        assert child.said.count("\n") == 1
        assert child.said.startswith("error: cannot write")
        assert "the disk is full" in child.said


def test_an_interrupted_run_says_so_once_its_last_save_is_on_the_disk(start, tmp_path):
    code = """
def at_step(number):
    if number == 3:
        os.kill(os.getpid(), signal.SIGTERM)
try:
    fit("run", checkpoint_every=None)
finally:
    print("ended", flush=True)
"""
    child = start(SLOW + code)
    assert child.wait() == 128 + signal.SIGTERM
    assert child.said.splitlines() == ["saved 0 while at 0", "saved 3 while at 3", "ended"]
    assert tw.train.Run.peek(tmp_path / "run").status.steps == 3


def test_a_second_ctrl_c_waits_for_the_save_under_way_and_no_longer(
    start, run_to_end, same, tmp_path
):
    code = """
def at_step(number):
    if number == 3:
        for _ in range(2):
            signal.raise_signal(signal.SIGINT)
fit("run", checkpoint_every=2)
"""
    child = start(SLOW + code)
    assert child.wait() == 130, child.said
    assert child.said.splitlines()[-1] == "saved 2 while at 3"
    assert not list((tmp_path / "run").rglob("*.partial"))
    run_to_end("go_on('run')")
    same(tmp_path / "run")


SCRIPT = """
import sys, time
import torch
from pathlib import Path
from thalweg.train import _checkpoint, make_optimizer
from thalweg.train._saves import Saves
from thalweg.train._state import State

write = _checkpoint.write
def slow(snapshot, folder):
    time.sleep(0.3)
    write(snapshot, folder)
_checkpoint.write = slow
model = torch.nn.Linear(2, 1)
state = State(model, make_optimizer(model, "sgd", learning_rate=0.1))
Saves(Path(sys.argv[1])).save(state)
raise ValueError("the end, with nobody waiting")
"""


def test_an_interpreter_that_exits_finishes_the_save(tmp_path):
    ended = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(tmp_path / "checkpoint")],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert ended.returncode == 1
    assert "ValueError: the end" in ended.stderr
    (path,) = _checkpoint.checkpoints(tmp_path / "checkpoint")
    assert _checkpoint._read(path).step == 0
    assert not list(tmp_path.rglob("*.partial"))


def test_a_process_forked_during_a_save_neither_hangs_nor_harms_it(run_to_end, same, tmp_path):
    code = """
def at_step(number):
    if number == 3:
        pid = os.fork()
        if pid == 0:
            os._exit(7)
        print("fork ended with", os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)
fit("run", checkpoint_every=2)
"""
    said = run_to_end(SLOW + code)
    assert "fork ended with 7" in said
    assert said.index("fork ended") < said.index("saved 2")
    same(tmp_path / "run")
