"""Moments of tensors, in one reduction and one wait for the device."""

import math

import torch
from torch import Tensor

from thalweg.doctor.record import Moments

# Entries that tell the moments of a larger tensor well enough: to 0.4 %.
MOST_ENTRIES = 2**16


def moments(values: Tensor) -> Moments | None:
    """Return the moments of the finite entries; None of an empty or complex tensor.

    Example:
        >>> moments(torch.tensor([1.0, 3.0, float("nan")]))
        Moments(mean=2.0, std=1.0, low=1.0, high=3.0, nonfinite=1)
    """
    values = thinned(values.detach())
    if not values.numel() or values.is_complex():
        return None
    values = values.float()
    found = _of_finite(values)
    if all(map(math.isfinite, (found.mean, found.std, found.low, found.high))):
        return found
    finite = values[values.isfinite()]
    nonfinite = values.numel() - finite.numel()
    if not finite.numel():
        return Moments(math.nan, math.nan, math.nan, math.nan, nonfinite)
    return _of_finite(finite.double(), nonfinite)


def thinned(values: Tensor) -> Tensor:
    """Return at most some 65,000 entries of a tensor, evenly spaced."""
    if values.numel() <= MOST_ENTRIES:
        return values
    return values.reshape(-1)[:: math.ceil(values.numel() / MOST_ENTRIES)]


def _of_finite(values: Tensor, nonfinite: int = 0) -> Moments:
    mean = values.mean()
    # torch's own deviation is exact to the last bit and takes ten times as long.
    std = torch.linalg.vector_norm(values - mean) / values.numel() ** 0.5
    low, high = values.aminmax()
    mean, std, low, high = torch.stack([mean, std, low, high]).tolist()
    return Moments(mean, std, low, high, nonfinite)


def unit_axis(shape: torch.Size, is_convolutional: bool) -> int:
    """Return which axis of an activation counts its units: channels of images, else the last."""
    return 1 if len(shape) > 3 or (len(shape) == 3 and is_convolutional) else len(shape) - 1


class Range:
    """The smallest and largest value that each unit has had."""

    def __init__(self) -> None:
        self.low: Tensor | None = None
        self.high: Tensor | None = None

    def add(self, values: Tensor, axis: int) -> None:
        """Widen the range by a batch."""
        others = [each for each in range(values.ndim) if each != axis]
        low, high = values.detach().amin(others), values.detach().amax(others)
        if self.low is None or self.high is None or self.low.shape != low.shape:
            self.low, self.high = low, high
        else:
            self.low, self.high = torch.minimum(self.low, low), torch.maximum(self.high, high)

    def constant(self) -> int:
        """Return how many units have had one value only."""
        assert self.low is not None
        return int((self.low == self.high).sum())

    def within(self, low: float, high: float) -> int:
        """Return how many units have stayed between these bounds."""
        assert self.low is not None and self.high is not None
        return int(((self.low >= low) & (self.high <= high)).sum())
