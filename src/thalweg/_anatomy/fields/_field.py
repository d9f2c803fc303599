"""What each unit of a tensor sees of one input: a box, exact at the borders of the picture too."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce as fold
from typing import Self

import torch
from torch import Tensor

from thalweg._anatomy.fields._line import Line, joined, of_union

NOWHERE = 2**30
"""The lower bound of a unit that sees nothing; any other bound is smaller."""


@dataclass(frozen=True)
class Field:
    """The box of input positions that each unit of a tensor depends on.

    There are two bounds for each axis of the input: the first position seen, and the negative of
    the last one, so that the union of boxes is the minimum of their bounds. Each is an array as
    the tensor itself, but of length one along every dimension where it does not change: a map of
    64×224×224 units needs 224 numbers for its rows. A unit sees nothing if any bound says so.
    """

    shape: tuple[int, ...]
    """Of the tensor."""
    bounds: tuple[Tensor, ...]
    lines: tuple[Line | None, ...]
    """For each axis of the input, the rule if the picture had no borders; None without one."""

    @classmethod
    def of_input(cls, shape: Sequence[int]) -> Self:
        """Return the field of an input itself, examples along its first dimension."""
        bounds = []
        for dim in range(1, len(shape)):
            positions = torch.arange(shape[dim], dtype=torch.int32)
            positions = positions.view([-1 if each == dim else 1 for each in range(len(shape))])
            bounds += [positions, -positions]
        lines = tuple(Line(dim, 1, 0, 0) for dim in range(1, len(shape)))
        return cls(tuple(shape), tuple(bounds), lines)

    @property
    def has_gaps(self) -> bool:
        """Whether some unit sees nothing."""
        return any(bool((bound == NOWHERE).any()) for bound in self.bounds)

    def filled(self) -> Self:
        """Return the field with every bound of a unit that sees nothing saying so."""
        if not self.has_gaps or len(self.bounds) < 2:
            return self
        is_gap = fold(torch.logical_or, [bound == NOWHERE for bound in self.bounds])
        bounds = tuple(compact(bound.masked_fill(is_gap, NOWHERE)) for bound in self.bounds)
        return type(self)(self.shape, bounds, self.lines)

    def moved(self, move: Callable[[Tensor], Tensor]) -> Self:
        """Return the field after a rearrangement of units, which is done to the bounds."""
        bounds = tuple(compact(move(bound.expand(self.shape))) for bound in self.bounds)
        shape = tuple(move(torch.empty((), dtype=torch.int8).expand(self.shape)).shape)
        lines = tuple(
            line
            if line is None or line.dim is None
            else _followed(line, line.dim, self.shape, move)
            for line in self.lines
        )
        return type(self)(shape, bounds, lines)

    def mixed(self, dims: Sequence[int]) -> Self:
        """Return the field where units along some dimensions are mixed; they keep length one."""
        chosen = {dim % len(self.shape) for dim in dims}
        field = self.filled() if self._are_gaps_shared(chosen) else self
        bounds = field.bounds
        for dim in chosen:
            bounds = tuple(bound.amin(dim, keepdim=True) for bound in bounds)
        shape = tuple(1 if dim in chosen else size for dim, size in enumerate(self.shape))
        lines = tuple(
            line.whole(self.shape[line.dim]) if line is not None and line.dim in chosen else line
            for line in self.lines
        )
        return type(self)(shape, bounds, lines)

    def shaped(self, shape: Sequence[int]) -> Self:
        """Return the field of a tensor that this one is broadcast to."""
        missing = len(shape) - len(self.shape)
        bounds = tuple(bound[(None,) * missing] for bound in self.bounds)
        lines = []
        for line in self.lines:
            shifted = None if line is None else line.shifted(missing)
            if shifted is not None and shifted.dim is not None:
                before, after = self.shape[shifted.dim - missing], shape[shifted.dim]
                shifted = shifted.whole(1) if before == 1 != after else shifted
            lines.append(shifted)
        return type(self)(tuple(shape), bounds, tuple(lines))

    def hiding(self, hidden: Tensor | None) -> Self:
        """Return the field where some units, which let nothing through, see nothing."""
        if hidden is None:
            return self
        bounds = tuple(compact(each.masked_fill(hidden, NOWHERE)) for each in self.bounds)
        return type(self)(self.shape, bounds, (None,) * len(self.lines))

    def without(self, dims: Sequence[int]) -> Self:
        """Return the field with dimensions of length one left out."""
        chosen = sorted({dim % len(self.shape) for dim in dims}, reverse=True)
        field = self
        for dim in chosen:
            bounds = tuple(bound.squeeze(dim) for bound in field.bounds)
            lines = tuple(line and line.without(dim) for line in field.lines)
            shape = (*field.shape[:dim], *field.shape[dim + 1 :])
            field = type(self)(shape, bounds, lines)
        return field

    def varies(self, dim: int) -> list[int]:
        """Return the axes of the input whose bounds change along a dimension of the tensor."""
        return sorted({at // 2 for at, bound in enumerate(self.bounds) if bound.shape[dim] > 1})

    def _are_gaps_shared(self, dims: set[int]) -> bool:
        return any(len(self.varies(dim)) > 1 for dim in dims) and self.has_gaps


def union(fields: Sequence[Field | None], shape: Sequence[int]) -> Field | None:
    """Return the field of units that depend on those of several tensors, broadcast to a shape."""
    there = [field.shaped(shape) for field in fields if field is not None]
    if len(there) > 1:
        there = [field.filled() for field in there]
    if not there:
        return None
    bounds = tuple(
        compact(fold(torch.minimum, each))
        for each in zip(*(field.bounds for field in there), strict=True)
    )
    lines = tuple(
        of_union(each, shape) for each in zip(*(field.lines for field in there), strict=True)
    )
    return Field(tuple(shape), bounds, lines)


def concatenated(fields: Sequence[Field | None], lengths: Sequence[int], dim: int) -> Field | None:
    """Return the field of tensors put side by side along a dimension.

    Args:
        fields: Of the tensors; None for one that sees nothing.
        lengths: Of the tensors along the dimension.
        dim: Along which.
    """
    there = [field for field in fields if field is not None]
    if not there:
        return None
    if len(fields) == 1:
        return there[0]
    bounds = []
    for at in range(len(there[0].bounds)):
        parts = [
            torch.full((1,) * len(there[0].shape), NOWHERE, dtype=torch.int32)
            if field is None
            else field.bounds[at]
            for field in fields
        ]
        common = torch.broadcast_shapes(*(_with(part.shape, dim, 1) for part in parts))
        pieces = [
            part.expand(_with(common, dim, length))
            for part, length in zip(parts, lengths, strict=True)
        ]
        bounds.append(compact(torch.cat(pieces, dim)))
    shape = _with(there[0].shape, dim, sum(lengths))
    lines = tuple(
        joined(each, dim, shape) for each in zip(*(field.lines for field in there), strict=True)
    )
    return Field(shape, tuple(bounds), lines)


def compact(array: Tensor) -> Tensor:
    """Return an array of length one along every dimension where it does not change."""
    for dim, stride in enumerate(array.stride()):
        if stride == 0 and array.shape[dim] > 1:
            array = array.narrow(dim, 0, 1)
    for dim, size in enumerate(array.shape):
        if size > 1 and bool((array == array.narrow(dim, 0, 1)).all()):
            array = array.narrow(dim, 0, 1)
    return array


def _with(shape: Sequence[int], dim: int, length: int) -> tuple[int, ...]:
    return (*shape[:dim], length, *shape[dim + 1 :])


def _followed(
    line: Line, dim: int, shape: tuple[int, ...], move: Callable[[Tensor], Tensor]
) -> Line | None:
    """Return what becomes of a line where positions along its dimension are moved."""
    size = shape[dim]
    if size == 1:
        return _followed_alone(line, dim, shape, move)
    probe = torch.arange(size).view([-1 if each == dim else 1 for each in range(len(shape))])
    positions = compact(move(probe.expand(shape)))
    changing = [each for each, length in enumerate(positions.shape) if length > 1]
    if len(changing) > 1:
        return None
    where = positions.flatten()
    first = int(where[0]) if where.numel() else 0
    if not changing:
        return line.at(first)
    step = int(where[1]) - first
    if step < 1 or bool((where.diff() != step).any()):
        return None
    return line.at(first, changing[0], step)


def _followed_alone(
    line: Line, dim: int, shape: tuple[int, ...], move: Callable[[Tensor], Tensor]
) -> Line:
    """Follow a dimension of length one by its stride, since it has no positions to tell apart."""
    strides = [_MARK if each == dim else 0 for each in range(len(shape))]
    moved = move(torch.empty_strided(shape, strides, dtype=torch.int8, device="meta"))
    # A dimension put in just before it shares its stride.
    found = [each for each, stride in enumerate(moved.stride()) if stride == _MARK]
    return line.at(0, found[-1] if found else None)


_MARK = 7919
