"""The field of every unit by one rule, as if the picture had no borders."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self


@dataclass(frozen=True)
class Line:
    """Unit i along a dimension sees from `low + i·stride` to `high + i·stride`.

    This is what papers print: high − low + 1 is the size, and a unit at the border of a padded
    map is said to see as much as one in the middle.
    """

    dim: int | None
    """The dimension of the tensor along which the field moves; None where it does not."""
    stride: int
    low: int
    high: int

    def whole(self, length: int) -> Self:
        """Return the line of units that see all that `length` units of this one see."""
        return replace(self, dim=None, high=self.high + (length - 1) * self.stride)

    def at(self, first: int, dim: int | None = None, step: int = 1) -> Self:
        """Return the line of every `step`-th unit from the one at `first`, along `dim`."""
        moved = first * self.stride
        return replace(
            self, dim=dim, stride=self.stride * step, low=self.low + moved, high=self.high + moved
        )

    def slid(self, reach: tuple[int, int], step: int) -> Self:
        """Return the line of windows over this one.

        Args:
            reach: From the first to the last unit that the first window covers.
            step: Units between one window and the next.
        """
        first, last = reach
        return replace(
            self,
            stride=self.stride * step,
            low=self.low + first * self.stride,
            high=self.high + last * self.stride,
        )

    def shifted(self, dims: int) -> Self:
        """Return the line for a tensor with that many more dimensions in front."""
        return self if self.dim is None else replace(self, dim=self.dim + dims)

    def without(self, dim: int) -> Self:
        """Return the line for a tensor that has lost a dimension of length one."""
        if self.dim is None or self.dim < dim:
            return self
        return replace(self, dim=None if self.dim == dim else self.dim - 1)


def of_union(lines: Sequence[Line | None], shape: Sequence[int]) -> Line | None:
    """Return the line of units that see what those of several tensors of one shape see."""
    there = [line for line in lines if line is not None]
    if len(there) < len(lines):
        return None
    moving = [line for line in there if line.dim is not None]
    if not moving:
        return _hull(there[0], there)
    first = moving[0]
    assert first.dim is not None
    length = shape[first.dim]
    if length == 1:
        return _hull(first, there)
    if any((line.dim, line.stride) != (first.dim, first.stride) for line in moving):
        return None
    found = _hull(first, moving)
    still = [line for line in there if line.dim is None]
    if not still:
        return found
    # A gate over the whole picture, as in squeeze-and-excitation, hides what moves.
    seen, swept = _hull(still[0], still), found.whole(length)
    is_hidden = seen.low <= swept.low and seen.high >= swept.high
    return seen if is_hidden else None


def joined(lines: Sequence[Line | None], dim: int, shape: Sequence[int]) -> Line | None:
    """Return the line of tensors side by side along a dimension: that of all their units."""
    is_broken = any(line is not None and line.dim == dim for line in lines)
    return None if is_broken else of_union(lines, shape)


def _hull(like: Line, lines: Sequence[Line]) -> Line:
    return replace(like, low=min(line.low for line in lines), high=max(line.high for line in lines))
