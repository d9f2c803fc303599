"""How a number changes when tensors are moved along a direction."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor


def moved(
    value: Callable[[], float], tensors: Sequence[Tensor], directions: Sequence[Tensor], by: float
) -> float:
    """Return a number where tensors are moved in place by so much; then put them back."""
    before = [each.detach().clone() for each in tensors]
    with torch.no_grad():
        try:
            for each, direction in zip(tensors, directions, strict=True):
                each.add_(direction, alpha=by)
            return value()
        finally:
            for each, value_before in zip(tensors, before, strict=True):
                each.copy_(value_before)


def slope(
    value: Callable[[], float],
    tensors: Sequence[Tensor],
    directions: Sequence[Tensor],
    step: float = 1e-6,
) -> float:
    """Return how fast a number changes along a direction, by a central difference.

    Args:
        value: Computes the number from the tensors as they are; gradients are off meanwhile.
        tensors: Moved in place, and put back to the bit.
        directions: One for each tensor, of its shape.
        step: How far to each side. In double precision 1e-6 costs about 1e-10 of the value
            in rounding, and hardly a ReLU changes sides.

    Example:
        >>> x = torch.tensor([3.0, 4.0], dtype=torch.float64)
        >>> round(slope(lambda: float((x * x).sum()), [x], [torch.tensor([1.0, 0.0])]), 6)
        6.0
    """
    ahead = moved(value, tensors, directions, step)
    return (ahead - moved(value, tensors, directions, -step)) / (2 * step)
