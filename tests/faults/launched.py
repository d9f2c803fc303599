"""A program for torchrun, in whose processes something goes wrong on purpose.

torchrun --nproc-per-node 3 launched.py killed
"""

import os
import signal
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import numpy as np
import torch
from torch import distributed as dist
from torch import nn

import thalweg as tw
from thalweg.errors import ProcessLostError

RANK = int(os.environ["RANK"])
ATTEMPT = int(os.environ["TORCHELASTIC_RESTART_COUNT"])


def points() -> tw.data.Splits:
    draw = np.random.default_rng(0)
    labels = draw.integers(0, 3, size=130)
    return tw.load(draw.normal(size=(130, 4)) + 1.5 * labels[:, None], labels)


class Network(nn.Module):
    """A network that is random in training and keeps running means.

    Its layers do not stand in the order in which they are used, so that torch rearranges its
    messages after the first step that it sees; sums of three processes depend on that.
    """

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(5)
        self.first = nn.Sequential(nn.Linear(4, 64), nn.BatchNorm1d(64), nn.ReLU(), nn.Dropout(0.4))
        self.third = nn.Linear(64, 3)
        self.second = nn.Sequential(nn.Linear(64, 64), nn.Tanh())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.third(self.second(self.first(x)))


def fit(out: str | None = None, **changes) -> tw.Run:
    settings = {"epochs": 4, "batch_size": 32, "learning_rate": 0.01, "checkpoint_every": 2}
    settings |= {"progress": False, "doctor": False, **changes}
    return tw.fit(Network(), points(), out=out, **settings)


def at_step(step: int, happen) -> None:
    """Let something happen in this process right before a step, once."""
    update = tw.train._loop.update

    def updating(plan, state, *rest):
        if state.step == step - 1:
            tw.train._loop.update = update
            happen()
        return update(plan, state, *rest)

    tw.train._loop.update = updating


def send(number: int):
    return lambda: os.kill(os.getpid(), number)


def killed() -> None:
    """Train undisturbed, then disturbed: the last process gets a signal, later the first one."""
    calm = fit("calm", **CHANGES)
    assert calm.status.state == "finished"
    last = int(os.environ["WORLD_SIZE"]) - 1
    faults = [(last, 4, signal.SIGTERM), (0, 7, signal.SIGKILL)]
    if len(faults) > ATTEMPT:
        rank, step, number = faults[ATTEMPT]
        if rank == RANK:
            at_step(step, send(number))
    run = fit(**CHANGES)
    assert run.status.steps == 12


def alone() -> None:
    """Let one process fail, and the others tell what they meet and after how long."""

    def fail() -> None:
        raise ZeroDivisionError("in process 1 alone")

    if RANK == 1:
        at_step(5, fail)
    began = time.monotonic()
    try:
        fit("failed")
    except ProcessLostError:
        # Nobody waits for as long as the group would.
        waited = timedelta(seconds=time.monotonic() - began)
        Path(f"caught-{RANK}").write_text(str(waited < dist.default_pg_timeout / 2))
        raise


def silent() -> None:
    """Let one process answer no more; the group is the program's own, and waits ten seconds."""
    dist.init_process_group("gloo")
    fit("first", epochs=1)
    assert dist.is_initialized()  # It is left as it was.
    # Only now: until all processes have begun, they wait for each other for as long as they must.
    dist.distributed_c10d._set_pg_timeout(timedelta(seconds=10), dist.group.WORLD)
    if RANK == 1:
        # It answers again once it was given up; torchrun would end it only half a minute later.
        wake = f"until [ -e caught-0 ]; do sleep 0.1; done; kill -CONT {os.getpid()}"
        subprocess.Popen(["sh", "-c", wake], start_new_session=True)
        at_step(3, send(signal.SIGSTOP))
    try:
        fit("second")
    except ProcessLostError:
        Path(f"caught-{RANK}").touch()
        raise SystemExit(7) from None


CHANGES = {"parallel": "fsdp", "doctor": True} if "fsdp" in sys.argv else {}

if __name__ == "__main__":
    torch.set_num_threads(1)
    {"killed": killed, "alone": alone, "silent": silent}[sys.argv[1]]()
    # torch leaves threads behind in whose midst an interpreter that exits may be aborted.
    os._exit(0)
