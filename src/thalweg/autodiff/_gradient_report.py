"""What a gradient check found, tensor by tensor."""

import math
from dataclasses import asdict, dataclass
from typing import Any, Literal

from thalweg._core import formats
from thalweg._core.text_table import text_table

Verdict = Literal["equal", "wrong", "kink", "rounding"]


@dataclass(frozen=True)
class Entry:
    """One number of a tensor, with its slope by autograd and by differences."""

    index: tuple[int, ...]
    autograd: float
    difference: float
    error: float
    """How far they differ, relative to the larger of both."""
    verdict: Verdict
    """"kink": the slopes to the left and the right differ, and autograd's lies between them.
    "rounding": differences cannot tell, since the value's own rounding hides the slope."""


@dataclass(frozen=True)
class GradientResult:
    """What was found of one parameter or input."""

    name: str
    shape: tuple[int, ...]
    entries: tuple[Entry, ...]
    """Those that were checked, the worst first."""

    @property
    def passed(self) -> bool:
        """Whether no entry is wrong; of entries at a kink or below rounding nothing is proved."""
        return not self.wrong

    @property
    def wrong(self) -> tuple[Entry, ...]:
        """The entries where autograd and differences disagree, the worst first."""
        return tuple(each for each in self.entries if each.verdict == "wrong")

    @property
    def worst(self) -> Entry:
        """The wrong entry that is most wrong, else the least exact of the equal ones."""
        return self.entries[0]

    @property
    def is_proved(self) -> bool:
        """Whether differences could tell of at least one entry."""
        return any(each.verdict in ("equal", "wrong") for each in self.entries)

    def count(self, verdict: Verdict) -> int:
        """Return how many entries got this verdict."""
        return sum(each.verdict == verdict for each in self.entries)


@dataclass(frozen=True)
class GradientReport:
    """Every parameter and input with its verdict; printing it shows the table."""

    subject: str
    """What was checked."""
    tolerance: float
    """The largest relative error that passes."""
    results: tuple[GradientResult, ...]

    @property
    def passed(self) -> bool:
        """Whether no tensor failed; of those that are unclear nothing is proved."""
        return all(each.passed for each in self.results)

    @property
    def failures(self) -> tuple[GradientResult, ...]:
        """The tensors that failed."""
        return tuple(each for each in self.results if not each.passed)

    def __getitem__(self, name: str) -> GradientResult:
        return {each.name: each for each in self.results}[name]

    def to_json(self) -> dict[str, Any]:
        """Return the report as plain data."""
        results = [{**asdict(each), "passed": each.passed} for each in self.results]
        return {
            "subject": self.subject,
            "tolerance": self.tolerance,
            "passed": self.passed,
            "results": results,
        }

    def __str__(self) -> str:
        good = sum(each.passed and each.is_proved for each in self.results)
        unclear = sum(each.passed and not each.is_proved for each in self.results)
        said = f"{good} of {len(self.results)} gradients passed, to {self.tolerance:.0e}"
        said += f"; {unclear} unclear." if unclear else "."
        first = f"{formats.plain(self.subject)}: {said}"
        headings = ("", "tensor", "shape", "entries", "error", "at", "autograd", "difference", "")
        ordered = sorted(self.results, key=lambda each: each.passed)
        rows = [_row(each) for each in ordered]
        return "\n".join([first, text_table(headings, rows, right="   rr rr")])


def _row(result: GradientResult) -> tuple[str, ...]:
    worst, size = result.worst, math.prod(result.shape)
    notes = [
        f"{count} at a kink" if verdict == "kink" else f"{count} below rounding"
        for verdict in ("kink", "rounding")
        if (count := result.count(verdict))
    ]
    return (
        "FAILED" if not result.passed else "passed" if result.is_proved else "unclear",
        formats.plain(result.name),
        "×".join(map(str, result.shape)) or "1",
        f"{len(result.entries)} of {formats.count(size)}",
        f"{worst.error:.1e}",
        f"[{', '.join(map(str, worst.index))}]",
        f"{worst.autograd:.6g}",
        f"{worst.difference:.6g}",
        ", ".join(notes),
    )
