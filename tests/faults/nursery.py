"""A process that has imported everything, and forks a child for each piece of code it is sent.

Importing torch takes seconds and forking milliseconds, so that tests can kill real processes by
the dozen. What is defined here is there for the code to call.
"""

import json
import os
import signal
import sys
import tempfile
import time
import traceback
from pathlib import Path

import numpy as np
import torch
from torch import nn

import thalweg as tw
import thalweg.cli

SECONDS = 600.0
"""A child that takes longer hangs; on an idle machine none takes ten."""
SETTINGS = {
    "epochs": 2,
    "batch_size": 32,
    "learning_rate": 0.01,
    "checkpoint_every": 1,
    "progress": False,
    "doctor": False,
}
EVENTS = {"open", "os.rename", "os.mkdir", "os.remove", "os.rmdir"}


def points() -> tw.data.Splits:
    """Return 130 points in four dimensions, three overlapping classes."""
    draw = np.random.default_rng(0)
    labels = draw.integers(0, 3, size=130)
    return tw.load(draw.normal(size=(130, 4)) + 1.5 * labels[:, None], labels)


def network() -> nn.Module:
    """Return a network that is random in training and keeps running means."""
    torch.manual_seed(5)
    return nn.Sequential(
        nn.Linear(4, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(0.4), nn.Linear(16, 3)
    )


def fit(folder: str, **changes) -> tw.Run:
    """Train the network into a folder."""
    return tw.fit(network(), DATA, out=folder, **{**SETTINGS, **changes})


def go_on(folder: str) -> tw.Run:
    """Go on with a run, or begin it where it was killed before it was one."""
    if not Path(folder, "config.toml").exists():
        return fit(folder)
    return tw.resume(folder, DATA, network(), progress=False)


def at_each_call(tell) -> None:
    """Call a function before each call that changes a disk, and before and after each flush."""
    flush = os.fsync

    def fsync(handle):
        tell("os.fsync", (handle,))
        flush(handle)
        tell("flushed", (handle,))

    os.fsync = fsync
    sys.addaudithook(lambda name, arguments: name in EVENTS and tell(name, arguments))


def count_calls() -> list[int]:
    """Count from now on the calls that change a disk."""
    number = [0]

    def count(name, arguments):
        number[0] += 1

    at_each_call(count)
    return number


def die_at_call(last: int) -> None:
    """Let SIGKILL end this process at such a call from now on."""
    number = 0

    def count(name, arguments):
        nonlocal number
        number += 1
        if number > last:
            os.kill(os.getpid(), signal.SIGKILL)

    at_each_call(count)


def live(task: dict) -> int:
    """Be a child: run the code and return the exit code of a process that did."""
    os.chdir(task["folder"])
    log = os.open(task["log"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    for handle in (1, 2):
        os.dup2(log, handle)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    # A shell that starts the tests in the background has SIGINT ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        exec(task["code"], {**globals(), **task["names"]})
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 0 if end.code is None else 1
    except KeyboardInterrupt:
        return 130
    except Exception:
        traceback.print_exc()
        return 1
    return 0


def end_of(pid: int) -> int:
    """Wait for a child and return its code, as subprocess has it; kill it if it hangs."""
    began = time.monotonic()
    while True:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        if time.monotonic() - began > SECONDS:
            os.kill(pid, signal.SIGKILL)
        time.sleep(0.001)


if __name__ == "__main__":
    torch.set_num_threads(1)
    DATA = points()
    with tempfile.TemporaryDirectory() as folder:
        # The first training imports what the others have then.
        tw.fit(network(), DATA, out=folder, epochs=1, progress=False)
    print("ready", flush=True)
    for line in sys.stdin:
        task = json.loads(line)
        if "wait" in task:
            print(end_of(task["wait"]), flush=True)
            continue
        pid = os.fork()
        if pid == 0:
            code = live(task)
            try:
                sys.stdout.flush()
                sys.stderr.flush()
            finally:
                os._exit(code)
        print(pid, flush=True)
    # Whoever asked is gone: so are the children.
    os.killpg(0, signal.SIGKILL)
