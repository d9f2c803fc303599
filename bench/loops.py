"""The same training by Thalweg, by the best plain loop, and by the usual one.

Each way trains on the same data from the same weights with the same steps, and returns seconds
per step, without the first, and the final weights. Every trial has a process of its own, as a
user's training has. Equal work first: Thalweg's weights must be the best loop's. Thalweg's ratio
to itself is the control.
"""

import contextlib
import copy
import io
import math
import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from unittest import mock

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

import thalweg as tw
from bench import workloads
from bench.figures import Figure, apart, in_turns, ratio
from bench.workloads import Workload
from thalweg._core import seeds

RATE = 1e-3
WARMUP = 0.05


@dataclass(frozen=True)
class Result:
    """What one trial took and gave."""

    seconds_per_step: float
    weights: dict[str, Tensor]
    precision: str = "float32"


def trained(
    work: Workload, *, as_it_comes: bool = False, compiled: bool | None = None
) -> tw.train.Run:
    """Train by `tw.fit`: history kept, validation each epoch, run folder on disk.

    Args:
        work: What to train.
        as_it_comes: With the doctor, progress, and all that is chosen. Without, as plain as the
            loops beside it: trials of a fraction of a second are all beginning, at which the
            doctor looks most.
        compiled: Whether whole steps are compiled; None leaves it to be chosen.
    """
    model = copy.deepcopy(work.model)
    settings: dict[str, bool | None] = {"compiled": compiled}
    if not as_it_comes:
        off = ("compiled", "doctor", "progress", "restore_best", "measure_speed")
        settings = dict.fromkeys(off, False)
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stderr(io.StringIO()):
        return tw.fit(
            model,
            work.data,
            epochs=work.epochs,
            batch_size=work.batch_size,
            learning_rate=RATE,
            out=folder,
            **settings,
        )


def thalweg_loop(work: Workload, *, as_it_comes: bool = False) -> Result:
    """`tw.fit` as a user calls it; what it tries beforehand counts."""
    run = trained(work, as_it_comes=as_it_comes)
    seconds = run.timing["training"] + run.timing["trying arrangements"]
    precision = run.settings.train.precision or "float32"
    return Result(seconds / (work.steps - 1), run.model.state_dict(), precision)


def tuned_loop(work: Workload) -> Result:
    """The best plain loop: batches by index, fused optimizer, channels last where it pays."""
    model = copy.deepcopy(work.model)
    encoder, train, loss_function = work.data.schema.encoder, work.data.train, _loss(work)
    layout = torch.channels_last if _has_convolutions(model) else torch.contiguous_format
    model.to(memory_format=layout)  # pyright: ignore[reportCallIssue]
    optimizer = torch.optim.AdamW(_groups(model), lr=RATE, fused=True)
    count = len(train)
    step = 0
    model.train()
    began = time.perf_counter()
    for epoch in range(work.epochs):
        rows = torch.randperm(count, generator=seeds.generator(0, "order", epoch))
        for start in range(0, count, work.batch_size):
            chosen = rows[start : start + work.batch_size]
            inputs = encoder.normalize(train.inputs.index_select(0, chosen))
            if layout is torch.channels_last:
                inputs = inputs.contiguous(memory_format=layout)
            targets = train.targets.index_select(0, chosen)
            for group in optimizer.param_groups:
                group["lr"] = _rate(step, work.steps)
            optimizer.zero_grad()
            loss_function(model(inputs), targets).backward()
            optimizer.step()
            step += 1
            if step == 1:
                began = time.perf_counter()
    return Result((time.perf_counter() - began) / (step - 1), model.state_dict())


def usual_loop(work: Workload) -> Result:
    """The loop of most tutorials: a DataLoader over tensors, the optimizer's defaults."""
    model = copy.deepcopy(work.model)
    encoder, train, loss_function = work.data.schema.encoder, work.data.train, _loss(work)
    examples = TensorDataset(encoder.normalize(train.inputs), train.targets)
    loader = DataLoader(examples, batch_size=work.batch_size, shuffle=True)
    optimizer = torch.optim.AdamW(model.parameters(), lr=RATE)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, work.steps)
    step = 0
    model.train()
    began = time.perf_counter()
    for _ in range(work.epochs):
        for inputs, targets in loader:
            optimizer.zero_grad()
            loss = loss_function(model(inputs), targets)
            loss.backward()
            optimizer.step()
            schedule.step()
            step += 1
            if step == 1:
                began = time.perf_counter()
    return Result((time.perf_counter() - began) / (step - 1), model.state_dict())


def difference(work: Workload) -> float:
    """Return the largest difference between Thalweg's final weights and the best loop's."""
    ours, plain = thalweg_loop(work).weights, tuned_loop(work).weights
    return max(float((ours[name].double() - plain[name].double()).abs().max()) for name in ours)


def warm_up() -> None:
    """Import what a training imports, and leave malloc as it is."""
    with mock.patch.dict(os.environ, MALLOC_MMAP_MAX_="65536"):
        tw.fit("mlp", "iris", epochs=1, out=False, progress=False)


def figures(rounds: int) -> list[Figure]:
    """Time the three loops in turns, on workloads of short steps."""
    with workloads.table() as table:
        works = [
            workloads.tiny_mlp(), workloads.mlp(), workloads.lenet(), workloads.convnet(),
            workloads.resnet(), workloads.characters(), table,
        ]  # fmt: skip
        return in_loops(works, rounds)


def resnet18(rounds: int) -> list[Figure]:
    """Time the three loops in turns, on a network of the usual size."""
    return in_loops([workloads.resnet18(32), workloads.resnet18(224)], rounds)


def in_loops(works: list[Workload], rounds: int) -> list[Figure]:
    """Time every workload's three loops in turns."""
    found = []
    warm_up()
    for work in works:
        gap = apart(lambda work=work: difference(work))

        def timed(loop: Callable[[Workload], Result], work: Workload = work) -> float:
            return apart(lambda: loop(work).seconds_per_step)

        ways = {
            "our": lambda timed=timed: timed(thalweg_loop),
            "our again": lambda timed=timed: timed(thalweg_loop),
            "tuned": lambda timed=timed: timed(tuned_loop),
            "usual": lambda timed=timed: timed(usual_loop),
        }
        seconds = in_turns(ways, rounds)
        control = ratio(seconds["our again"], seconds["our"])[0]
        beyond = 1e6 * (min(seconds["our"]) - min(seconds["tuned"]))
        note = (
            f"{1000 * min(seconds['tuned']):.2f} ms a step, {beyond:+.0f} µs; "
            f"weights differ by {gap:.1e}"
        )
        pairs = (("our", "tuned", 1.02), ("our", "usual", None), ("tuned", "usual", None))
        for one, other, target in pairs:
            value = ratio(seconds[one], seconds[other])
            name = f"{work.name}: {one} loop ÷ {other} loop"
            found.append(Figure(name, *value, target=target, control=control, note=note))
    return found


def as_it_comes(rounds: int) -> list[Figure]:
    """Time whole trainings with the doctor and progress against the usual loop."""
    found = []
    warm_up()
    # The last one is long enough for trials of threads and layout too.
    works = [
        (workloads.mlp(60), 0.65), (workloads.convnet(4), 0.70), (workloads.lenet(10), 0.70),
        (workloads.convnet(24), 0.70),
    ]  # fmt: skip
    for work, target in works:
        types: set[str] = set()

        def comes(work: Workload = work, types: set[str] = types) -> float:
            seconds, precision = apart(lambda: _told(thalweg_loop(work, as_it_comes=True)))
            types.add(precision)
            return seconds

        ways = {
            "thalweg": comes,
            "again": comes,
            "usual": lambda work=work: apart(lambda: usual_loop(work).seconds_per_step),
        }
        seconds = in_turns(ways, rounds)
        control = ratio(seconds["again"], seconds["thalweg"])[0]
        value = ratio(seconds["thalweg"], seconds["usual"])
        name = f"{work.name}, {work.steps:,} steps: tw.fit as it comes ÷ usual loop"
        note = f"{work.steps * min(seconds['thalweg']):.1f} s, "
        note += ", ".join(sorted(types))
        found.append(Figure(name, *value, target=target, control=control, note=note))
    return found


def _told(result: Result) -> tuple[float, str]:
    """Return what of a result is to leave its process."""
    return result.seconds_per_step, result.precision


def _loss(work: Workload) -> Callable[[Tensor, Tensor], Tensor]:
    if work.data.schema.target.kind == "category" and len(work.data.schema.target.classes) == 2:
        return lambda output, targets: F.binary_cross_entropy_with_logits(
            output[:, 0], targets.to(output.dtype)
        )
    return F.cross_entropy


def _has_convolutions(model: nn.Module) -> bool:
    return any(isinstance(each, nn.Conv2d) for each in model.modules())


def _groups(model: nn.Module) -> list[dict[str, object]]:
    """Decay the matrices and spare the vectors, as Thalweg does."""
    matrices = [each for each in model.parameters() if each.ndim >= 2]
    vectors = [each for each in model.parameters() if each.ndim < 2]
    return [
        {"params": matrices, "weight_decay": 0.01},
        {"params": vectors, "weight_decay": 0.0},
    ]


def _rate(step: int, steps: int) -> float:
    warmup = round(WARMUP * steps)
    if step < warmup:
        return RATE * (step + 1) / warmup
    return RATE * 0.5 * (1 + math.cos(math.pi * (step - warmup) / (steps - warmup)))
