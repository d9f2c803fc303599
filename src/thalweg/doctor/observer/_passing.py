"""Steps that leave no row: counted, and their losses followed, for as little as that can cost."""

import math
from collections.abc import Callable
from threading import get_ident
from typing import Any

from torch import Tensor, nn
from torch.optim import Optimizer

from thalweg.doctor.observer._guard import Guarded
from thalweg.doctor.observer._listener import Listener
from thalweg.doctor.record import Record


class Passing(Guarded, Listener):
    """Hears of a loop while there is nothing to see, as in most steps of a long training.

    Its methods stand between kernels that have just emptied the caches, where every call counts:
    they make none of Python's.

    Args:
        record: Where steps are counted.
        wake: Called when there is something to see.
    """

    def __init__(self, record: Record, wake: Callable[[], Listener]) -> None:
        super().__init__(record)
        self.wake = wake
        self.optimizer: Optimizer | None = None
        """Whose steps are counted."""
        self.step, self.until = 1, 1
        """The present step, and the one that is to be seen next."""
        self.given: Any = None
        """The module that was called last in this step, and its arguments; None before."""
        self.low, self.high = math.inf, -math.inf
        """Of the losses so far."""

    def begin(self, optimizer: Optimizer, step: int, until: int) -> None:
        """Take over, from the beginning of one step to that of another."""
        self.optimizer, self.step, self.until, self.given = optimizer, step, until, None

    def on_forward(self, module: nn.Module, given: tuple[Any, ...]) -> None:
        """A watched network is called."""
        if self.hears == get_ident():
            self.given = module, given

    def on_loss(
        self, kind: str, given: tuple[Any, ...], options: dict[str, Any], value: Tensor
    ) -> None:
        """A loss function was called; one that is not trained on is that of a validation."""
        if not value.requires_grad and self.hears == get_ident():
            self.wake().on_loss(kind, given, options, value)

    def before_backward(self, root: Tensor, keeps_graph: bool) -> bool:
        """Gradients are about to be computed; what is not below the highest loss is seen to."""
        if self.hears != get_ident():
            return False
        if not keeps_graph:
            if not root.is_cpu:
                return False  # To read its loss is to wait for the accelerator.
            if type(root) is Tensor and root.numel() == 1:
                loss = root.item()
                if -math.inf < loss <= self.high:
                    if loss < self.low:
                        self.low = loss
                    return False
        return self.wake().before_backward(root, keeps_graph)

    def after_step(self, optimizer: Optimizer) -> None:
        """An optimizer has stepped; the end of the last step is seen to."""
        if self.hears != get_ident() or optimizer is not self.optimizer:
            return
        if self.step + 1 >= self.until:
            self.wake().after_step(optimizer)
            return
        self.record.count = self.step
        self.step += 1
        self.given = None

    def follow(self, loss: float) -> bool:
        """Return whether a loss is so far above all before that a closer look may show why."""
        low, high = self.low, self.high
        if loss < low:
            self.low = loss
        if loss > high:
            self.high = loss
        return loss > high + (high - low)
