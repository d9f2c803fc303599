"""An axis of a chart: from numbers to pixels, and the numbers written beside it."""

import math
from collections.abc import Sequence

# More numbers beside an axis touch each other.
MOST_MARKS = 7


class Axis:
    """Places numbers between two pixels.

    Args:
        values: What must find room.
        start: The pixel of the smallest.
        stop: The pixel of the largest.
        log: Whether equal ratios are equally far apart; needs positive numbers.

    Example:
        >>> axis = Axis([1.0, 100.0], 0.0, 200.0, log=True)
        >>> axis(10.0), axis.marks()
        (100.0, [1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0])
    """

    def __init__(self, values: Sequence[float], start: float, stop: float, log: bool) -> None:
        self.start, self.stop, self.log = start, stop, log
        places = [self._place(each) for each in values] or [0.0, 1.0]
        self.low, self.high = min(places), max(places)
        if self.high - self.low < 1e-9:
            self.low, self.high = self.low - 0.5, self.high + 0.5

    def __call__(self, value: float) -> float:
        share = (self._place(value) - self.low) / (self.high - self.low)
        return self.start + share * (self.stop - self.start)

    def marks(self) -> list[float]:
        """Return round numbers within the axis, few enough to be written beside it."""
        if self.log:
            return self._powers()
        size = 10.0 ** math.floor(math.log10(self.high - self.low))
        for step in (size / 5, size / 2, size):
            if len(self._multiples(step)) <= MOST_MARKS:
                return self._multiples(step)
        return self._multiples(2 * size)

    def _powers(self) -> list[float]:
        """Return powers of ten, with their doubles and halves where there are few."""
        powers = self._multiples(1.0)
        around = range(math.floor(self.low), math.ceil(self.high) + 1)
        finer = [digit * 10.0**power for power in around for digit in (1, 2, 5)]
        finer = [each for each in finer if self.low - 1e-9 < math.log10(each) < self.high + 1e-9]
        if 1 < len(finer) <= MOST_MARKS:
            return finer
        ends = [10**self.low, 10**self.high]
        kept = powers[:: -(-len(powers) // MOST_MARKS) or 1]
        return [10.0**power for power in kept] if len(kept) > 1 else ends

    def _place(self, value: float) -> float:
        return math.log10(value) if self.log else value

    def _multiples(self, step: float) -> list[float]:
        first, last = math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9)
        return [number * step for number in range(first, last + 1)]
