"""Dual numbers: a value and its slope, which arithmetic carries along."""

from typing import Any


class Dual:
    """A number a + bε with ε² = 0: a value, and how fast it changes in one direction.

    Every rule of arithmetic is that of ordinary numbers with the products of ε left out, so
    that f(x + ε) = f(x) + f′(x)·ε holds exactly: no step to choose, no cancellation
    (Clifford, 1871; Wengert, 1964). One pass differentiates all outputs along one direction.

    Args:
        value: What it is.
        slope: How fast it changes.

    Example:
        >>> x = Dual(3.0, 1.0)
        >>> x * x + 2 / x
        Dual(9.666666666666666, 5.777777777777778)
    """

    __slots__ = ("slope", "value")

    def __init__(self, value: float, slope: float = 0.0) -> None:
        self.value = value
        self.slope = slope

    def __repr__(self) -> str:
        return f"Dual({float(self.value)!r}, {float(self.slope)!r})"

    def __add__(self, other: Any) -> "Dual":
        other = _dual(other)
        return Dual(self.value + other.value, self.slope + other.slope)

    def __mul__(self, other: Any) -> "Dual":
        other = _dual(other)
        slope = self.slope * other.value + self.value * other.slope
        return Dual(self.value * other.value, slope)

    def __truediv__(self, other: Any) -> "Dual":
        other = _dual(other)
        value = self.value / other.value
        return Dual(value, (self.slope - value * other.slope) / other.value)

    def __pow__(self, power: Any) -> "Dual":
        if isinstance(power, Dual):
            raise TypeError("a dual number takes a plain power; write exp(power * log(x)).")
        slope = power * self.value ** (power - 1) * self.slope if power else 0.0
        return Dual(self.value**power, slope)

    def __neg__(self) -> "Dual":
        return Dual(-self.value, -self.slope)

    def __sub__(self, other: Any) -> "Dual":
        return self + -_dual(other)

    def __rsub__(self, other: Any) -> "Dual":
        return _dual(other) - self

    def __rtruediv__(self, other: Any) -> "Dual":
        return _dual(other) / self

    __radd__ = __add__
    __rmul__ = __mul__

    def __abs__(self) -> "Dual":
        return -self if self.value < 0 else self

    # A program that branches on its numbers branches on their values.
    def __lt__(self, other: Any) -> bool:
        return self.value < _dual(other).value

    def __le__(self, other: Any) -> bool:
        return self.value <= _dual(other).value

    def __gt__(self, other: Any) -> bool:
        return self.value > _dual(other).value

    def __ge__(self, other: Any) -> bool:
        return self.value >= _dual(other).value


def _dual(number: Any) -> Dual:
    return number if isinstance(number, Dual) else Dual(float(number))
