"""Who is told of what a loop does."""

from typing import Any

from torch import Tensor, nn
from torch.optim import Optimizer
from torch.utils.data import DataLoader


class Listener:
    """Told of what a loop does; may look, must change nothing and never raise."""

    def __init__(self) -> None:
        self.now: Listener = self
        """Who hears of the present step: itself, unless it leaves that to another."""

    def on_forward(self, module: nn.Module, given: tuple[Any, ...]) -> None:
        """A watched network is called with these positional and named arguments."""

    def before_backward(self, root: Tensor, keeps_graph: bool) -> bool:
        """Gradients of this tensor are about to be computed.

        Args:
            root: The tensor.
            keeps_graph: Whether they can be computed once more after that.

        Returns:
            Whether `after_backward` is to be told when they have been.
        """
        return False

    def after_backward(self) -> None:
        """They have been."""

    def on_loss(
        self, kind: str, given: tuple[Any, ...], options: dict[str, Any], value: Tensor
    ) -> None:
        """A loss function has compared an output with a target, the first two arguments."""

    def on_loader(self, loader: DataLoader) -> None:
        """An iteration over a loader begins."""

    def on_wait(self, seconds: float) -> None:
        """A loader has given a batch after so long."""

    def on_stuck_dropout(self) -> None:
        """Functional dropout has dropped while gradients are off."""

    def on_schedule(self) -> None:
        """A schedule has taken a step."""

    def on_sync(self) -> None:
        """The loop has waited for an accelerator to hand over a number."""

    def after_step(self, optimizer: Optimizer) -> None:
        """An optimizer has stepped."""
