"""What happens between two optimizer steps, until it becomes a row of the record."""

from dataclasses import dataclass, field
from typing import Any

from torch import Tensor
from torch.optim import Optimizer

from thalweg.doctor._record import Sample
from thalweg.doctor.probes._graph import Graph
from thalweg.doctor.probes._losses import LossCall
from thalweg.doctor.probes._parameters import Step

# A loop that never steps would fill memory with its events.
MOST_EVENTS = 64


@dataclass
class Window:
    """The time between two steps of any optimizer. It refers to the loop's tensors while open."""

    events: list[str] = field(default_factory=list)
    backwards: int = 0
    examples: int = 0
    inputs: list[Any] = field(default_factory=list)
    """Arguments of the network's last calls with gradients."""
    calls: list[LossCall] = field(default_factory=list)
    """Uses of loss functions since the last backward pass."""
    loss: Tensor | None = None
    root: Tensor | None = None
    is_training: bool = True
    waiting: float = 0.0
    sample: Sample | None = None
    graph: Graph | None = None
    step: Step | None = None

    def note(self, event: str) -> None:
        """Add an event to the order of events."""
        if len(self.events) < MOST_EVENTS:
            self.events.append(event)


class Ledger:
    """Whether an optimizer's gradients were cleared since its last step.

    One parameter stands for all. Its gradient counts as cleared when it is gone, is another
    tensor, or was written to by somebody else than a backward pass, which the tensor's version
    counter shows without looking at its numbers.
    """

    def __init__(self, optimizer: Optimizer) -> None:
        self.optimizer = optimizer
        self.witness: Tensor | None = None
        self.gradient: Tensor | None = None
        self.version = -1
        self.is_stale = False

    def before_backward(self) -> None:
        """Look whether anybody has cleared the gradient."""
        if self.gradient is None or self.witness is None:
            return
        now = self.witness.grad
        if now is not self.gradient or now._version != self.version:
            self.is_stale = False

    def after_backward(self) -> None:
        """Note what the backward pass has written."""
        if self.witness is not None and self.gradient is not None:
            self.gradient = self.witness.grad
            self.version = -1 if self.gradient is None else self.gradient._version

    def after_step(self) -> None:
        """Take the gradient as used up: from now on it is stale until somebody clears it."""
        if self.witness is None or self.witness.grad is None:
            self.witness = next(
                (
                    each
                    for group in self.optimizer.param_groups
                    for each in group["params"]
                    if each.grad is not None
                ),
                None,
            )
        self.gradient = None if self.witness is None else self.witness.grad
        self.version = -1 if self.gradient is None else self.gradient._version
        self.is_stale = self.gradient is not None
