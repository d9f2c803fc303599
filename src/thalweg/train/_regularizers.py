"""Penalties on the size of weights, added to the gradient."""

import copy
from collections.abc import Mapping
from typing import Self

import torch
from torch import Tensor, nn

from thalweg.train._optimizers import decayed


class Penalty:
    """The elastic net: J = loss + l1 · Σ|w| + l2 · Σw².

    Only its gradient, l1 · sign(w) + 2 · l2 · w, is ever needed, so that only that is computed.
    Biases and the scales of normalizations are left out.

    Args:
        model: The network whose weights are kept small.
        l1: Factor of the sum of absolute values.
        l2: Factor of the sum of squares.
    """

    def __init__(self, model: nn.Module, l1: float = 0.0, l2: float = 0.0) -> None:
        self.l1 = l1
        self.l2 = l2
        self.weights: list[Tensor] = [*decayed(model)[0]]

    def of(self, others: Mapping[Tensor, Tensor]) -> Self:
        """Return the same penalty on other tensors in the places of these."""
        penalty = copy.copy(self)
        penalty.weights = [others[each] for each in self.weights]
        return penalty

    def add_gradient(self) -> None:
        """Add the penalty's gradient to `.grad` of each weight that has one."""
        pairs = [(each.grad, each.detach()) for each in self.weights if each.grad is not None]
        if not pairs:
            return
        gradients, values = map(list, zip(*pairs, strict=True))
        # One kernel for all weights. pyright does not know torch's functions on lists.
        if self.l2:
            torch._foreach_add_(gradients, values, alpha=2 * self.l2)  # pyright: ignore
        if self.l1:
            signs = torch._foreach_sign(values)  # pyright: ignore
            torch._foreach_add_(gradients, signs, alpha=self.l1)  # pyright: ignore
