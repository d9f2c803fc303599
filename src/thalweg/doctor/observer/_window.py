"""What happens between two optimizer steps, until it becomes a row of the record."""

import math
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor, nn
from torch.optim import Optimizer

from thalweg.doctor.probes._graph import Graph
from thalweg.doctor.probes._losses import LossCall
from thalweg.doctor.probes._parameters import Step
from thalweg.doctor.record import Sample

# A loop that never steps would fill memory with its events.
MOST_EVENTS = 64


Reading = float | Tensor
"""A number, or a tensor on an accelerator that has yet to tell it."""


@dataclass
class Window:
    """The time between two steps of any optimizer. It refers to the loop's tensors while open."""

    events: list[str] = field(default_factory=list)
    backwards: int = 0
    examples: int = 0
    forwards: int = 0
    training_forwards: int = 0
    inputs: list[Any] = field(default_factory=list)
    """Arguments of the network's last calls with gradients."""
    entry: nn.Module | None = None
    """The module that was called last."""
    batch: int = 0
    """Examples in the last call of a watched network."""
    producers: dict[Any, str] = field(default_factory=dict)
    """Modules by the operation that gave their output."""
    outputs: dict[Any, Tensor] = field(default_factory=dict)
    """What the watched networks gave, by operation."""
    calls: list[LossCall] = field(default_factory=list)
    """Uses of loss functions since the last backward pass."""
    loss: Reading | None = None
    """What the loss function gave."""
    root: Reading | None = None
    """What the gradients were computed of."""
    is_training: bool = True
    waiting: float = 0.0
    syncs: int = 0
    sample: Sample | None = None
    graph: Graph | None = None
    step: Step | None = None
    stepping: Optimizer | None = None
    """The optimizer that is taking its step."""

    def note(self, event: str) -> None:
        """Add an event to the order of events."""
        if len(self.events) < MOST_EVENTS:
            self.events.append(event)

    def opened(self, steps: int) -> Sample:
        """Return the sample of the step after so many steps; begin it if there is none."""
        if self.sample is None:
            self.sample = Sample(steps + 1)
        return self.sample

    def read(self, root: Tensor) -> None:
        """Take down the loss, as a number where that costs no wait for the device."""
        loss = self._loss_of(root)
        self.root = _reading(root)
        self.loss = self.root if loss is root else _reading(loss)

    @property
    def is_lost(self) -> bool:
        """Whether the loss is known to be NaN or infinite."""
        return isinstance(self.loss, float) and not math.isfinite(self.loss)

    def _loss_of(self, root: Tensor) -> Tensor:
        """Return what the loss function gave, where the root is that, scaled by a number or not."""
        if len(self.calls) != 1:
            return root
        value = self.calls[0].value
        below = root.grad_fn
        for _ in range(3):
            if below is value.grad_fn:
                return value if value.numel() == 1 else root
            if below is None or type(below).__name__ not in ("MulBackward0", "DivBackward0"):
                return root
            below = below.next_functions[0][0]
        return root


def _reading(value: Tensor) -> Reading:
    if not value.is_cpu:
        return value.detach()
    return float(value.detach().float().mean()) if value.numel() != 1 else float(value.item())
