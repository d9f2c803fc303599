"""What happens between two optimizer steps, until it becomes a row of the record."""

import math
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor, nn
from torch.optim import Optimizer

from thalweg.doctor.probes._graph import Graph
from thalweg.doctor.probes._losses import LossCall
from thalweg.doctor.probes._moments import Measured
from thalweg.doctor.probes._parameters import Step
from thalweg.doctor.record import Sample, StepRow

# Of each kind; a loop that never steps would fill memory with its events.
MOST_EVENTS = 32


@dataclass(slots=True)
class Window:
    """The time between two steps of any optimizer. It refers to the loop's tensors while open."""

    row: StepRow = field(default_factory=lambda: StepRow(1))
    """Filled as things happen."""
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
    unread: tuple[Tensor, Tensor] | None = None
    """Loss and root of the row, where they wait on an accelerator."""
    sample: Sample | None = None
    measured: Measured = field(default_factory=Measured)
    """What a look or a glance has measured so far."""
    graph: Graph | None = None
    step: Step | None = None
    stepping: Optimizer | None = None
    """The optimizer that is taking its step."""

    def note(self, event: str) -> None:
        """Add an event to the order of events."""
        if self.row.events.count(event) < MOST_EVENTS:
            self.row.events += event

    def opened(self) -> Sample:
        """Return the sample of this step; begin it if there is none."""
        if self.sample is None:
            self.sample = Sample(self.row.step)
        return self.sample

    def turn(self, step: int) -> None:
        """Let go of the step that has ended, and begin the next one."""
        self.row = StepRow(step)
        self.inputs.clear()
        self.calls.clear()
        self.unread = self.stepping = None
        self.measured.found.clear()
        if self.sample is not None:
            self.sample = self.graph = self.step = None
            self.producers.clear()
            self.outputs.clear()

    def resume(self, step: int, last: tuple[nn.Module, Any] | None) -> None:
        """Go on in a step whose beginning was not seen.

        Args:
            step: Its number.
            last: The module that was called last in it, and its arguments; None if none was.
        """
        self.row.step = step
        if last is not None:
            self.entry, given = last
            self.inputs.append(given)
            self.row.events = "f"

    def read(self, root: Tensor) -> bool:
        """Take down the loss, as a number where that costs no wait for the device.

        Returns:
            Whether it is known to be NaN or infinite.
        """
        loss = root
        if len(self.calls) == 1 and self.calls[0].value is not root:
            loss = _loss_below(root, self.calls[0].value)
        if not root.is_cpu:
            self.unread = loss.detach(), root.detach()
            return False
        self.unread = None
        self.row.root = value = number(root)
        self.row.loss = value if loss is root else number(loss)
        return not math.isfinite(self.row.loss)


def _loss_below(root: Tensor, value: Tensor) -> Tensor:
    """Return what a loss function gave, if the root is that, scaled by numbers; else the root."""
    below = root.grad_fn
    for _ in range(3):
        if below is value.grad_fn:
            return value if value.numel() == 1 else root
        if below is None or type(below).__name__ not in ("MulBackward0", "DivBackward0"):
            return root
        below = below.next_functions[0][0]
    return root


def number(value: Tensor) -> float:
    """Return the only number of a tensor, or the mean of several."""
    return float(value.item() if value.numel() == 1 else value.detach().float().mean())
