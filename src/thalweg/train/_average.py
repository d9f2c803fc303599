"""The average of a network's weights over its steps."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

# The kernel of torch.optim and of AveragedModel, which torch has no other door to.
from torch import _foreach_lerp_ as move_all  # pyright: ignore[reportPrivateImportUsage]

from thalweg.train._weights import bare


class Average:
    """An exponential moving average of the trainable weights (Polyak & Juditsky, 1992).

    At each step, average ← decay · average + (1 − decay) · weights. At step t the decay is at
    most (1 + t)/(10 + t), lest the first weights, drawn at random, count for long; so does
    `tf.train.ExponentialMovingAverage`, from which the rule comes. Buffers are not averaged:
    those of the network go with the average, as in `torch.optim.swa_utils.AveragedModel`.

    Args:
        model: The network, on its device.
        decay: Share of the average that stays, per step.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.decay = decay
        named = bare(model).named_parameters()
        self.own = {name: each for name, each in named if each.requires_grad}
        self.weights: dict[str, Tensor] = {
            name: each.detach().clone() for name, each in self.own.items()
        }

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Move towards the network's weights after a step, counted from one."""
        decay = min(self.decay, (1 + step) / (10 + step))
        move_all([*self.weights.values()], [*self.own.values()], 1 - decay)

    @torch.no_grad()
    def put_in(self) -> None:
        """Give the network the average's weights."""
        self._copy(list(self.weights.values()))

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """Give the network the average's weights inside the block, and its own after it."""
        raw = [each.detach().clone() for each in self.own.values()]
        self.put_in()
        try:
            yield
        finally:
            with torch.no_grad():
                self._copy(raw)

    def _copy(self, weights: list[Tensor]) -> None:
        # One by one: torch has no kernel that copies many where processes hold parts of them.
        for own, value in zip(self.own.values(), weights, strict=True):
            own.copy_(value)
