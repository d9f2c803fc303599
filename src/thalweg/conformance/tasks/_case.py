"""What the checks of a task work on."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from thalweg._core import seeds
from thalweg.conformance._suite import Suite
from thalweg.data import Target
from thalweg.tasks import Task

TASK: "Suite[TaskCase]" = Suite("task")
"""Every check of a task."""

EXAMPLES = 40
# Sums in another order differ by a few roundings of 6e-8.
ROUNDING = 1e-5


@dataclass(frozen=True)
class TaskCase:
    """A task with outputs and targets of some examples; all are the check's own."""

    task: Task
    output: Tensor
    targets: Tensor

    @property
    def names(self) -> list[str]:
        """A name for each example."""
        return [f"row {row}" for row in range(len(self.targets))]

    def written(self) -> list[object] | None:
        """Return the targets as the user writes them; None for numbers, which are as they are."""
        classes, kind = self.task.target.classes, self.task.target.kind
        if kind == "category":
            return [classes[number] for number in self.targets.tolist()]
        return self.targets.long().tolist() if kind == "multilabel" else None


def drawn_targets(target: Target) -> Tensor:
    """Return targets as such data might have them, every class among them."""
    draw = seeds.generator(0, "targets")
    if target.kind == "category":
        order = torch.randperm(EXAMPLES, generator=draw)
        return order % len(target.classes)
    if target.kind == "multilabel":
        return (torch.rand(EXAMPLES, len(target.classes), generator=draw) < 0.4).float()
    spread = torch.randn(EXAMPLES, len(target.names), generator=draw)
    return torch.tensor(np.array(target.mean) + np.array(target.scale) * spread.numpy()).float()


def drawn_outputs(examples: int, outputs: int) -> Tensor:
    """Return outputs of two standard deviations, as a network in training gives them."""
    return 2 * torch.randn(examples, outputs, generator=seeds.generator(0, "outputs"))


def off(found: float, expected: float) -> bool:
    """Return whether two numbers differ by more than rounding."""
    return not abs(found - expected) <= ROUNDING * max(1.0, abs(expected))
