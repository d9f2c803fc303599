"""Moments of tensors, in one reduction and one wait for the device."""

import math
import weakref

import torch
from torch import Tensor

from thalweg.doctor.record import Moments

# Entries that tell the moments of a larger tensor well enough: to 0.4 %.
MOST_ENTRIES = 2**16
# Places of the innermost axis that are met at least, where it has so many.
FEWEST_PLACES = 64


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


class Measured:
    """Moments of a step's tensors, each read once: what one module gives, the next one gets."""

    def __init__(self) -> None:
        self.found: dict[int, tuple[weakref.ref[Tensor], int, Moments | None]] = {}
        """By identity: the tensor, how often it had been written to, and its moments."""

    def moments(self, values: Tensor) -> Moments | None:
        """Return the moments of a tensor as `moments` does."""
        if values.is_inference():  # Nobody counts how often these are written to.
            return moments(values)
        known, version, found = self.found.get(id(values), (None, 0, None))
        if known is None or known() is not values or version != values._version:
            found = moments(values)
            self.found[id(values)] = weakref.ref(values), values._version, found
        return found


def thinned(values: Tensor) -> Tensor:
    """Return at most some 65,000 entries of a tensor, evenly spaced."""
    if values.numel() <= MOST_ENTRIES:
        return values
    flat = in_memory_order(values).reshape(-1)
    # Gathered once, since every reduction of what lies apart takes several times as long.
    return flat[:: stride(values, values.numel() / MOST_ENTRIES)].contiguous()


def in_memory_order(values: Tensor, first: int = 0) -> Tensor:
    """Return a view whose axes follow each other as in memory, so that flattening copies nothing.

    Args:
        values: In any layout; those of images often have their channels innermost.
        first: How many axes stay in front.
    """
    rest = sorted(range(first, values.ndim), key=values.stride, reverse=True)
    return values.permute(*range(first), *rest)


def stride(values: Tensor, least: float) -> int:
    """Return a stride through memory that does not always meet the same few channels or columns.

    Args:
        values: What is walked through.
        least: The smallest that will do.
    """
    innermost = values.shape[min(range(values.ndim), key=values.stride)]
    found = max(1, math.ceil(least))
    while innermost // math.gcd(found, innermost) < min(innermost, FEWEST_PLACES):
        found += 1
    return found


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
