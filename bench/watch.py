"""What the doctor's watch costs: `python -m bench.watch`.

Five networks are trained by a plain loop, with and without the watch, both at once: a few steps
of one, then a few of the other, in random order, so that whatever disturbs the machine disturbs
both. The time is that of the whole block: hooks put on, every step, hooks taken off, the trials
on copies and the diagnosis; in seconds of the processor. Equal work first: the weights after
training must be the same bits. The ratio of the plain loop to itself is the control.
"""

import argparse
import contextlib
import copy
import json
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

import thalweg as tw
from bench.__main__ import ratio

# Steps that a training makes before it is another one's turn.
TURN = 25


@dataclass(frozen=True)
class Workload:
    """A network with one batch, and how long to train it."""

    name: str
    model: nn.Module
    inputs: Tensor
    targets: Tensor
    steps: int


class Residual(nn.Module):
    """Two convolutions beside a shortcut, each with batch normalization."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(),
            nn.Conv2d(outputs, outputs, 3, padding=1, bias=False),
            nn.BatchNorm2d(outputs),
        )
        self.shortcut = nn.Conv2d(inputs, outputs, 1, stride)

    def forward(self, x: Tensor) -> Tensor:
        """Return the activated sum."""
        return F.relu(self.body(x) + self.shortcut(x))


class Characters(nn.Module):
    """Guesses the next of 64 characters."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(64, 32)
        self.memory = nn.LSTM(32, 128, batch_first=True)
        self.head = nn.Linear(128, 64)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits, characters on the second axis."""
        return self.head(self.memory(self.embedding(x))[0]).transpose(1, 2)


class Transformer(nn.Module):
    """Two layers of attention over 64 kinds of symbols."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(64, 64)
        layer = nn.TransformerEncoderLayer(64, 4, 128, batch_first=True, dropout=0.0)
        self.layers = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.head = nn.Linear(64, 64)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits, symbols on the second axis."""
        return self.head(self.layers(self.embedding(x))).transpose(1, 2)


def workloads() -> list[Workload]:
    """Return the networks that are timed, with steps of about one to thirty milliseconds."""
    torch.manual_seed(0)
    glyphs = tw.load("glyphs", n=2000)
    labels = torch.randint(10, (128,))
    symbols = torch.randint(64, (32, 33))
    resnet = nn.Sequential(
        nn.Conv2d(3, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(),
        Residual(16, 16, 1), Residual(16, 32, 2), Residual(32, 64, 2),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10),
    )  # fmt: skip
    mlp = tw.build("mlp", glyphs, hidden=[256, 256])
    lenet = tw.build("lenet", glyphs)
    flat, images = torch.randn(128, 1, 28, 28), torch.randn(64, 1, 28, 28)
    pairs = symbols[:, :-1], symbols[:, 1:]
    return [
        Workload("mlp 784-256-256-10", mlp, flat, labels, 3000),
        Workload("lenet 28×28", lenet, images, labels[:64], 1200),
        Workload("small resnet 32×32", resnet, torch.randn(32, 3, 32, 32), labels[:32], 200),
        Workload("character lstm", Characters(), *pairs, 900),
        Workload("small transformer", Transformer(), *pairs, 700),
    ]


class Training:
    """A loop that can stand still: `advance` makes some steps and adds up their seconds."""

    def __init__(self, work: Workload, watches: bool) -> None:
        self.work = work
        self.model = copy.deepcopy(work.model).train()
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=1e-3)
        self.watch = tw.watch(self.model, self.optimizer) if watches else None
        self.seconds = 0.0
        self.stack = contextlib.ExitStack()

    def begin(self) -> None:
        """Enter the watch."""
        if self.watch is not None:
            with self.timed():
                self.watch.__enter__()
            self.stack.enter_context(self.watch.paused())

    def advance(self, steps: int) -> None:
        """Make some steps."""
        self.stack.close()
        model, optimizer, inputs, targets = (
            self.model, self.optimizer, self.work.inputs, self.work.targets,
        )  # fmt: skip
        with self.timed():
            for _ in range(steps):
                optimizer.zero_grad()
                F.cross_entropy(model(inputs), targets).backward()
                optimizer.step()
        if self.watch is not None:
            self.stack.enter_context(self.watch.paused())

    def end(self) -> None:
        """Leave the watch."""
        self.stack.close()
        if self.watch is not None:
            with self.timed():
                self.watch.__exit__(None, None, None)

    @contextlib.contextmanager
    def timed(self) -> Iterator[None]:
        """Count the seconds of the block."""
        began = time.process_time()
        try:
            yield
        finally:
            self.seconds += time.process_time() - began


WAYS: dict[str, bool] = {"watched": True, "plain": False, "plain again": False}


def trained(work: Workload, order: random.Random) -> dict[str, Training]:
    """Train every way in turns of a few steps, and return the trainings."""
    trainings = {name: Training(work, watches) for name, watches in WAYS.items()}
    for each in trainings.values():
        each.begin()
    for _ in range(work.steps // TURN):
        for name in order.sample(list(WAYS), len(WAYS)):
            trainings[name].advance(TURN)
    for each in trainings.values():
        each.end()
    return trainings


def is_same(one: Training, two: Training) -> bool:
    """Return whether two trainings gave the same weights to the bit."""
    pairs = zip(one.model.parameters(), two.model.parameters(), strict=True)
    return all(ours.equal(theirs) for ours, theirs in pairs)


def main(say: Callable[[str], None] = print) -> None:
    """Measure, print a table, and write what was measured as JSON."""
    parser = argparse.ArgumentParser(prog="python -m bench.watch", description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--out", type=Path, help="write the figures as JSON")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    report: dict[str, Any] = {"torch": torch.__version__, "rounds": arguments.rounds}
    say(f"torch {torch.__version__}, 1 thread, {arguments.rounds} rounds; watched ÷ plain")
    say(f"{'':22} {'steps':>6} {'ms/step':>8} {'watched':>8}  {'interval':16} control  bits")
    for work in workloads():
        seconds: dict[str, list[float]] = {name: [] for name in WAYS}
        bits, order = "same", random.Random(0)
        for _ in range(arguments.rounds):
            trainings = trained(work, order)
            for name, training in trainings.items():
                seconds[name].append(training.seconds)
            if not is_same(trainings["watched"], trainings["plain"]):
                bits = "DIFFERENT"
        middle, low, high = ratio(seconds["watched"], seconds["plain"])
        control = ratio(seconds["plain again"], seconds["plain"])[0]
        pace = 1000 * min(seconds["plain"]) / work.steps
        interval = f"{low:.3f} to {high:.3f}"
        say(
            f"{work.name:22} {work.steps:6} {pace:8.2f} {middle:8.3f}  {interval:16} "
            f"{control:7.3f}  {bits}"
        )
        report[work.name] = {"seconds": seconds, "ratio": [middle, low, high], "bits": bits}
    if arguments.out is not None:
        arguments.out.write_text(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
