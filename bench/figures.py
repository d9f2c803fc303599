"""What a benchmark found: a figure with its interval, beside what it should be."""

import multiprocessing
import random
import statistics
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from multiprocessing.connection import Connection
from typing import Any, TypeVar

Given = TypeVar("Given")

# Resamplings of which the interval is taken.
DRAWS = 2000


@dataclass(frozen=True)
class Figure:
    """One number that was measured: the median of the ratios within rounds."""

    name: str
    value: float
    low: float
    """Lower end of the bootstrap 95 % interval."""
    high: float
    target: float | None = None
    """What it should be at most, or at least; None where others are looked at for comparison."""
    is_ceiling: bool = True
    """Whether the target is the most that it should be."""
    control: float | None = None
    """The same ratio of a thing to itself; outside 0.97 to 1.03 the machine was too noisy."""
    unit: str = ""
    """Of the value; nothing for a ratio."""
    note: str = ""

    @property
    def verdict(self) -> str:
        """Whether the target is met, in a word."""
        if self.control is not None and not 0.97 <= self.control <= 1.03:
            return "void"
        if self.target is None:
            return ""
        is_met = self.value <= self.target if self.is_ceiling else self.value >= self.target
        return "met" if is_met else "missed"

    def to_json(self) -> dict[str, Any]:
        """Return the figure as plain data."""
        return {**asdict(self), "verdict": self.verdict}


def interval(values: Sequence[float]) -> tuple[float, float, float]:
    """Return the median, and its bootstrap 95 % interval."""
    draw = random.Random(0)
    medians = sorted(statistics.median(draw.choices(values, k=len(values))) for _ in range(DRAWS))
    return statistics.median(values), medians[DRAWS // 40], medians[-DRAWS // 40]


def ratio(above: Sequence[float], below: Sequence[float]) -> tuple[float, float, float]:
    """Return the median of the ratios within rounds, and its bootstrap 95 % interval."""
    return interval([a / b for a, b in zip(above, below, strict=True)])


def apart(way: Callable[[], Given], *, fresh: bool = False) -> Given:
    """Return what it returns in a process of its own.

    What one training leaves behind, as in what malloc has learned from it, helps no other.

    Args:
        way: What is called there.
        fresh: Whether the process begins anew, not as a copy of this one.
    """
    reading, writing = multiprocessing.Pipe(duplex=False)
    context: Any = multiprocessing.get_context("spawn" if fresh else "fork")
    child = context.Process(target=_send, args=(writing, way))
    child.start()
    writing.close()
    try:
        return reading.recv()
    except EOFError as error:
        raise RuntimeError("a trial failed in its process, which says why above") from error
    finally:
        child.join()


def _send(writing: Connection, way: Callable[[], object]) -> None:
    writing.send(way())


def in_turns(ways: dict[str, Callable[[], float]], rounds: int) -> dict[str, list[float]]:
    """Return the seconds of each way, one entry per round, in random order within a round."""
    order = random.Random(0)
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name in order.sample(list(ways), len(ways)):
            seconds[name].append(ways[name]())
    return seconds


def table(figures: Sequence[Figure]) -> str:
    """Return the figures as a table of text."""
    width = max((len(each.name) for each in figures), default=0)
    lines = [f"{'':{width}} {'measured':>10}  {'interval':18} {'target':>8}  {'':7} control"]
    for each in figures:
        value, low, high = (_number(number) for number in (each.value, each.low, each.high))
        span = f"{low} to {high}" if each.low != each.high else ""
        sign = "≤" if each.is_ceiling else "≥"
        target = "" if each.target is None else f"{sign} {each.target:g}"
        control = "" if each.control is None else f"{each.control:.3f}"
        line = (
            f"{each.name:{width}} {value + each.unit:>10}  {span:18} {target:>8}  "
            f"{each.verdict:7} {control:7} {each.note}"
        )
        lines.append(line.rstrip())
    return "\n".join(lines)


def _number(value: float) -> str:
    return f"{value:.3f}" if abs(value) < 10 else f"{value:.1f}"
