"""Windows that slide over a tensor: convolution, pooling, padding, resizing."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from thalweg._anatomy.fields._field import NOWHERE, Field, compact
from thalweg._anatomy.fields._line import Line


@dataclass(frozen=True)
class Windows:
    """Which units along one dimension each output is made from."""

    taps: Tensor
    """(outputs, most): the units; those out of range are in the padding."""
    is_read: Tensor
    """(outputs, most): False for what only fills a row up."""
    reach: tuple[int, int] | None
    """From the first to the last tap of the first output; None if windows differ in form."""
    step: int
    """Units from one window to the next."""

    @classmethod
    def regular(
        cls, outputs: int, size: int, stride: int = 1, padding: int = 0, dilation: int = 1
    ) -> "Windows":
        """Return windows of one form at even distances."""
        starts = torch.arange(outputs) * stride - padding
        taps = starts[:, None] + torch.arange(size) * dilation
        reach = -padding, (size - 1) * dilation - padding
        return cls(taps, torch.ones_like(taps, dtype=torch.bool), reach, stride)

    @classmethod
    def transposed(
        cls, outputs: int, size: int, stride: int, padding: int, dilation: int
    ) -> "Windows":
        """Return the windows of a transposed convolution, which spreads every input."""
        spread = torch.arange(outputs)[:, None] + padding - torch.arange(size) * dilation
        reach = (padding - (size - 1) * dilation, padding) if stride == 1 else None
        taps = spread.div(stride, rounding_mode="floor")
        return cls(taps, spread % stride == 0, reach, 1)

    @classmethod
    def adaptive(cls, outputs: int, length: int) -> "Windows":
        """Return the windows of pooling to a given number of outputs."""
        starts = torch.arange(outputs) * length // outputs
        ends = -(-torch.arange(1, outputs + 1) * length // outputs)
        taps = starts[:, None] + torch.arange(int((ends - starts).max()))
        size = length // outputs
        reach = (0, size - 1) if length % outputs == 0 else None
        return cls(taps, taps < ends[:, None], reach, size)

    @classmethod
    def weighted(cls, weights: Tensor) -> "Windows":
        """Return windows from what each unit contributes to each output, (units, outputs)."""
        is_used = weights.mT != 0
        most = max(int(is_used.sum(1).max()), 1)
        taps = is_used.to(torch.int8).argsort(dim=1, descending=True, stable=True)[:, :most]
        reach = (
            (0, 0) if torch.equal(weights, torch.eye(*weights.shape, dtype=weights.dtype)) else None
        )
        return cls(taps, is_used.gather(1, taps), reach, 1)


def slide(field: Field, dim: int, windows: Windows) -> Field:
    """Return the field of windows along one dimension."""
    dim %= len(field.shape)
    if len(field.varies(dim)) > 1:
        field = field.filled()
    length = field.shape[dim]
    valid = windows.is_read & (windows.taps >= 0) & (windows.taps < length)
    index = windows.taps.clamp(0, max(length - 1, 0)).flatten()
    varying = [bound.shape[dim] > 1 for bound in field.bounds]
    if not any(varying) and not bool(valid.any(1).all()):
        varying[0] = True  # A window that lies in the padding sees nothing: some bound says so.
    bounds = tuple(
        _least(bound, dim, index, valid, length) if changes else bound
        for bound, changes in zip(field.bounds, varying, strict=True)
    )
    shape = (*field.shape[:dim], len(windows.taps), *field.shape[dim + 1 :])
    return Field(shape, bounds, tuple(_slid(line, dim, windows) for line in field.lines))


def _least(bound: Tensor, dim: int, index: Tensor, valid: Tensor, length: int) -> Tensor:
    if bound.shape[dim] < length:
        bound = bound.expand(*bound.shape[:dim], length, *bound.shape[dim + 1 :])
    taken = bound.index_select(dim, index).unflatten(dim, tuple(valid.shape))
    after = bound.ndim - dim - 1
    mask = ~valid.view(*valid.shape, *(1,) * after)
    return compact(taken.masked_fill(mask, NOWHERE).amin(dim + 1))


def _slid(line: Line | None, dim: int, windows: Windows) -> Line | None:
    if line is None or line.dim != dim:
        return line
    return None if windows.reach is None else line.slid(windows.reach, windows.step)


def across(field: Field, dim: int, groups: int, outputs: int) -> Field:
    """Return the field of sums over the channels of each group."""
    if groups == 1:
        field = field.mixed([dim])
        lines = field.lines
    else:
        inputs = field.shape[dim]
        if len(field.varies(dim)) > 1:
            field = field.filled()
        is_same = inputs == groups == outputs
        bounds = tuple(
            bound
            if bound.shape[dim] == 1
            else bound.unflatten(dim, (groups, inputs // groups))
            .amin(dim + 1)
            .repeat_interleave(outputs // groups, dim)
            for bound in field.bounds
        )
        lines = tuple(
            line if is_same or line is None or line.dim != dim else None for line in field.lines
        )
        field = Field(field.shape, bounds, lines)
    shape = (*field.shape[:dim], outputs, *field.shape[dim + 1 :])
    return Field(shape, field.bounds, lines)


def per_dimension(value: Any, count: int, default: int) -> list[int]:
    """Return one number per dimension from what torch writes as one number, or as none."""
    numbers = list(value) if isinstance(value, Sequence) else [] if value is None else [value]
    if not numbers:
        return [default] * count
    return numbers * count if len(numbers) == 1 else numbers
