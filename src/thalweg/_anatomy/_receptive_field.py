"""The receptive field of a layer in numbers, and of one unit as a box."""

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from thalweg._anatomy.fields import NOWHERE, Field

Box = tuple[tuple[int, int], ...]
"""For each axis of the input the first and the last position seen."""


@dataclass(frozen=True)
class ReceptiveField:
    """What a unit of a layer sees of the input, along each axis of the picture.

    Positions count from 0 at the first pixel. A unit at the border of a padded map is counted
    like one in the middle, as is usual; `Anatomy.sees` has what it really sees.
    """

    size: tuple[int, ...]
    """Pixels from the first to the last; the most where units see boxes of different sizes."""
    stride: tuple[int | None, ...]
    """Pixels from the field of a unit to that of the next; None where that is no one number."""
    centre: tuple[float | None, ...]
    """Of the first unit's field, in pixels."""

    def to_json(self) -> dict[str, list[float | None]]:
        """Return the field as plain data."""
        return {name: list(value) for name, value in vars(self).items()}

    def __str__(self) -> str:
        return "×".join(map(str, self.size))


def summary(field: Field | None, axes: Sequence[int]) -> ReceptiveField | None:
    """Return a field as a paper would give it.

    Args:
        field: Of a layer's output; None if that sees nothing of the input.
        axes: Of the input, without the batch, that are to be spoken of.
    """
    if field is None or not axes:
        return None
    per_axis = [_along(field, axis) for axis in axes]
    size, stride, centre = zip(*per_axis, strict=True)
    return ReceptiveField(size, stride, centre)


def _along(field: Field, axis: int) -> tuple[int, int | None, float | None]:
    line = field.lines[axis]
    if line is not None and line.dim is not None:
        return line.high - line.low + 1, line.stride, (line.low + line.high) / 2
    low, minus_high = field.bounds[2 * axis], field.bounds[2 * axis + 1]
    extents = (-minus_high - low).masked_fill((low == NOWHERE) | (minus_high == NOWHERE), -1)
    is_same = low.numel() == minus_high.numel() == 1
    centre = (int(low) - int(minus_high)) / 2 if is_same and int(low) != NOWHERE else None
    return int(extents.max()) + 1, None, centre


def box(field: Field | None, axes: Sequence[int], position: Sequence[int]) -> Box | None:
    """Return what the units at one position see; None if nothing.

    Args:
        field: Of a layer's output.
        axes: Of the input, without the batch.
        position: Along the last dimensions of the output; units along the others, such as
            channels, are taken together.
    """
    if field is None:
        return None
    field = field.filled()
    found = []
    for axis in axes:
        low, minus_high = (
            _at(field.bounds[2 * axis + side], field.shape, position) for side in (0, 1)
        )
        found.append((low, -minus_high))
    return None if any(low == NOWHERE for low, _ in found) else tuple(found)


def _at(bound: Tensor, shape: tuple[int, ...], position: Sequence[int]) -> int:
    index = (slice(None),) * (len(shape) - len(position))
    return int(bound.expand(shape)[(*index, *position)].min())
