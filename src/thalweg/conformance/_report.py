"""What an examination found, check by check."""

import textwrap
from dataclasses import asdict, dataclass
from typing import Any, Literal

from thalweg._core import formats
from thalweg.errors import ConformanceError

Outcome = Literal["passed", "failed", "exempt", "not applicable"]
# Characters to a line, as terminals have at least.
WIDTH = 100
# Of what came, which may hold a message of anybody's.
LONGEST = 600


@dataclass(frozen=True)
class Result:
    """What one check found."""

    name: str
    outcome: Outcome
    """"exempt": it fails, as the reason that was given says it may."""
    promise: str
    """What was needed."""
    came: str = ""
    """What came instead, why the check does not apply, or the reason of the exemption."""
    remedy: str = ""
    """What to do, where it failed."""

    def __str__(self) -> str:
        if self.outcome == "failed":
            told = f"needed: {self.promise} Got: {self.came} {self.remedy}"
        else:
            told = self.came or self.promise
        first = f"{self.outcome:<15} {self.name:<24} "
        indent = " " * len(first)
        return textwrap.fill(told, WIDTH, initial_indent=first, subsequent_indent=indent)


@dataclass(frozen=True)
class Conformance:
    """Every check with its outcome; printing it shows the table.

    Example:
        >>> report = Conformance("Net", (Result("runs", "passed", "It runs."),))
        >>> report.passed, report.failures
        (True, ())
        >>> print(report)
        Net: 1 of 1 checks passed.
        passed          runs                     It runs.
    """

    subject: str
    """What was examined."""
    results: tuple[Result, ...]

    @property
    def passed(self) -> bool:
        """Whether nothing failed but what was expected to."""
        return not self.failures

    @property
    def failures(self) -> tuple[Result, ...]:
        """What failed unexpectedly, in the order of the checks."""
        return tuple(each for each in self.results if each.outcome == "failed")

    def __getitem__(self, name: str) -> Result:
        return {each.name: each for each in self.results}[name]

    def raise_failures(self) -> None:
        """Raise where a check failed: the one line that a test of one's own needs.

        Raises:
            ConformanceError: With every failure.
        """
        if self.failures:
            told = "\n".join(map(str, self.failures))
            raise ConformanceError(f"{self._summary()}\n{told}")

    def to_json(self) -> dict[str, Any]:
        """Return the report as plain data."""
        results = [asdict(each) for each in self.results]
        return {"subject": self.subject, "passed": self.passed, "results": results}

    def _summary(self) -> str:
        counts = {
            outcome: sum(each.outcome == outcome for each in self.results)
            for outcome in ("failed", "exempt", "not applicable")
        }
        passed = len(self.results) - sum(counts.values())
        parts = [f"{passed} of {len(self.results)} checks passed"]
        parts += [f"{number} {outcome}" for outcome, number in counts.items() if number]
        return f"{formats.plain(self.subject)}: {', '.join(parts)}."

    def __str__(self) -> str:
        # What failed comes first, where the eye falls.
        ordered = sorted(self.results, key=lambda each: each.outcome != "failed")
        return "\n".join([self._summary(), *map(str, ordered)])
