"""Whether the gradients of a step are cleared before those of the next are added."""

import math
from collections.abc import Iterable

import torch
from torch import Tensor
from torch.optim import Optimizer

from thalweg.doctor.record import StepRow


class Ledger:
    """Whether an optimizer's gradients were cleared since its last step.

    A few parameters stand for all. A gradient counts as cleared when it is gone, is another
    tensor, or was written to by somebody else than a backward pass, which the tensor's version
    counter shows without looking at its numbers. Writing through `.data` escapes the counter, so
    that the numbers are looked at too where a step is looked at closely.
    """

    def __init__(self, optimizer: Optimizer, number: int) -> None:
        self.optimizer = optimizer
        self.number = number
        self.witnesses: list[Tensor] = []
        self.gradients: list[tuple[Tensor, Tensor, int]] = []
        """Witnesses with the gradients that the last step used, and their versions."""
        self.is_stale = False
        self.backwards = self.wasted = 0
        """Since the optimizer's last step; those whose gradients were cleared before any step."""
        self.is_cleared_unseen = False
        """Whether gradients are zeroed where the version counter does not show it."""

    def before_backward(self, looks: bool = False) -> bool:
        """Look whether anybody has cleared the gradients.

        Args:
            looks: Whether the numbers may be looked at too.

        Returns:
            Whether nobody has, so that `after_backward` has something to note.
        """
        if self.backwards > self.wasted and self.witnesses and self.witnesses[0].grad is None:
            self.wasted += 1
        self.backwards += 1
        if self.gradients:
            self._drop_cleared()
            if looks and self.gradients:
                found = any(_has_numbers(gradient) for _, gradient, _ in self.gradients)
                self.is_cleared_unseen = not found
            if self.is_cleared_unseen:
                self.gradients = []
        self.is_stale = bool(self.gradients)
        return self.is_stale

    def _drop_cleared(self) -> None:
        kept = []
        for each in self.gradients:
            witness, gradient, version = each
            if witness.grad is gradient and gradient._version == version:
                kept.append(each)
        self.gradients = kept

    def after_backward(self) -> None:
        """Note what the backward pass has written."""
        if self.gradients:
            self.gradients = _noted(witness for witness, _, _ in self.gradients)

    def after_step(self, row: StepRow) -> None:
        """Write what is known of the step."""
        if self.backwards == 0 and self.gradients:
            self._drop_cleared()
            self.is_stale = bool(self.gradients)
        row.optimizer = self.number
        row.rate = float(self.optimizer.param_groups[0].get("lr", math.nan))
        row.is_stale = self.is_stale
        row.own_backwards, row.wasted_backwards = self.backwards, self.wasted

    def turn(self) -> None:
        """Take the gradients as used up: from now on they are stale until somebody clears them."""
        self.gradients = _noted(self.witnesses)
        if not self.gradients:
            self.witnesses = self._choose()
            self.gradients = _noted(self.witnesses)
        self.is_stale = bool(self.gradients)
        self.backwards = self.wasted = 0

    def _choose(self) -> list[Tensor]:
        """Return the smallest parameter with a gradient of each third of them.

        Who clears one part of a network may forget the others; and a gradient that is witness
        lives on until the next backward pass, so that it should be small.
        """
        owned = [
            each
            for group in self.optimizer.param_groups
            for each in group["params"]
            if each.grad is not None
        ]
        third = -(-len(owned) // 3)
        parts = [owned[start : start + third] for start in range(0, len(owned), third or 1)]
        return [min(part, key=torch.Tensor.numel) for part in parts]


def _noted(witnesses: Iterable[Tensor]) -> list[tuple[Tensor, Tensor, int]]:
    noted = []
    for witness in witnesses:
        gradient = witness.grad
        if gradient is not None:
            noted.append((witness, gradient, gradient._version))
    return noted


def _has_numbers(gradient: Tensor) -> bool:
    if gradient.is_sparse:
        return gradient._nnz() > 0
    return bool(gradient.detach().any())
