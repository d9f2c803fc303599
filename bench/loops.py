"""The same training three ways: by Thalweg, by the best plain loop, by the usual one.

Each function trains on the same data from the same weights with the same steps and
returns seconds per step, without the first, and the final weights.
"""

import copy
import math
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

import thalweg as tw
from thalweg._core import seeds

EPOCHS = 2
RATE = 1e-3
WARMUP = 0.05


@dataclass(frozen=True)
class Workload:
    """A network and what it is trained on."""

    name: str
    model: nn.Module
    data: tw.data.Splits
    batch_size: int

    @property
    def steps(self) -> int:
        """Optimizer steps of a trial."""
        return EPOCHS * math.ceil(len(self.data.train) / self.batch_size)


@dataclass(frozen=True)
class Result:
    """What one trial took and gave."""

    seconds_per_step: float
    weights: dict[str, Tensor]


Loop = Callable[[Workload], Result]


def thalweg_loop(work: Workload) -> Result:
    """`tw.fit` as a user calls it: history kept, validation each epoch, run folder on disk."""
    model = copy.deepcopy(work.model)
    with tempfile.TemporaryDirectory() as folder:
        run = tw.fit(
            model,
            work.data,
            epochs=EPOCHS,
            batch_size=work.batch_size,
            learning_rate=RATE,
            restore_best=False,
            progress=False,
            # Trials of a fraction of a second are all beginning, at which the doctor looks most;
            # what it costs is measured by bench.watch.
            doctor=False,
            out=folder,
        )
    return Result(run.timing["training"] / (work.steps - 1), model.state_dict())


def tuned_loop(work: Workload) -> Result:
    """The best plain loop: batches by index, fused optimizer, channels last where it pays."""
    model = copy.deepcopy(work.model)
    encoder, train = work.data.schema.encoder, work.data.train
    layout = torch.channels_last if _has_convolutions(model) else torch.contiguous_format
    model.to(memory_format=layout)  # pyright: ignore[reportCallIssue]
    optimizer = torch.optim.AdamW(_groups(model), lr=RATE, fused=True)
    count = len(train)
    step = 0
    model.train()
    began = time.perf_counter()
    for epoch in range(EPOCHS):
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
            F.cross_entropy(model(inputs), targets).backward()
            optimizer.step()
            step += 1
            if step == 1:
                began = time.perf_counter()
    return Result((time.perf_counter() - began) / (step - 1), model.state_dict())


def usual_loop(work: Workload) -> Result:
    """The loop of most tutorials: a DataLoader over tensors, the optimizer's defaults."""
    model = copy.deepcopy(work.model)
    encoder, train = work.data.schema.encoder, work.data.train
    examples = TensorDataset(encoder.normalize(train.inputs), train.targets)
    loader = DataLoader(examples, batch_size=work.batch_size, shuffle=True)
    optimizer = torch.optim.AdamW(model.parameters(), lr=RATE)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, work.steps)
    loss_function = nn.CrossEntropyLoss()
    step = 0
    model.train()
    began = time.perf_counter()
    for _ in range(EPOCHS):
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


LOOPS: dict[str, Loop] = {
    "thalweg": thalweg_loop,
    "thalweg again": thalweg_loop,
    "tuned": tuned_loop,
    "usual": usual_loop,
}
"""The second run of Thalweg is the control: its ratio to the first shows the noise."""


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
