"""What the doctor's watch costs.

Five networks, one of them for two lengths of time, are trained by a plain loop, with and without
the watch, both at once: a few steps of one, then a few of the other, in random order, so that
whatever disturbs the machine disturbs both. The time is that of the whole block: hooks put on,
every step, hooks taken off, the trials on copies and the diagnosis; in seconds of the processor.
Equal work first: the weights after training must be the same bits. The ratio of the plain loop to
itself is the control.
"""

import contextlib
import copy
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

import thalweg as tw
from bench.figures import Figure, ratio
from bench.networks import Characters, Transformer, small_resnet

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


def workloads() -> list[Workload]:
    """Return the networks that are timed, with steps of about one to thirty milliseconds."""
    torch.manual_seed(0)
    glyphs = tw.load("glyphs", n=2000)
    labels = torch.randint(10, (128,))
    symbols = torch.randint(64, (32, 33))
    mlp = tw.build("mlp", glyphs, hidden=[256, 256])
    lenet = tw.build("lenet", glyphs)
    flat, images = torch.randn(128, 1, 28, 28), torch.randn(64, 1, 28, 28)
    pairs = symbols[:, :-1], symbols[:, 1:]
    return [
        Workload("mlp 784-256-256-10", mlp, flat, labels, 3000),
        Workload("mlp 784-256-256-10, longer", mlp, flat, labels, 9000),
        Workload("lenet 28×28", lenet, images, labels[:64], 1200),
        Workload(
            "small resnet 32×32", small_resnet(), torch.randn(32, 3, 32, 32), labels[:32], 200
        ),
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


def figures(rounds: int) -> list[Figure]:
    """Measure every network."""
    found = []
    for work in workloads():
        seconds: dict[str, list[float]] = {name: [] for name in WAYS}
        bits, order = "same bits", random.Random(0)
        for _ in range(rounds):
            trainings = trained(work, order)
            for name, training in trainings.items():
                seconds[name].append(training.seconds)
            if not is_same(trainings["watched"], trainings["plain"]):
                bits = "DIFFERENT BITS"
        pace = 1000 * min(seconds["plain"]) / work.steps
        found.append(
            Figure(
                f"{work.name}: watched ÷ plain",
                *ratio(seconds["watched"], seconds["plain"]),
                target=1.03,
                control=ratio(seconds["plain again"], seconds["plain"])[0],
                note=f"{work.steps} steps of {pace:.2f} ms; {bits}",
            )
        )
    return found
