"""Runs the tests that docs/reliability.md names, and writes beside each promise how they ended.

`make promises`, or `python tests/faults/promises.py`; ends with pytest's exit code.
"""

import datetime as dt
import platform
import re
from collections import Counter, defaultdict
from collections.abc import Mapping
from pathlib import Path

import pytest
import torch

PAGE = Path(__file__).parents[2] / "docs" / "reliability.md"
TEST = re.compile(r"`(tests/\S+\.py::\w+)`")
ENDS = ("passed", "skipped", "failed")


class Outcomes:
    """Counts how the tests of every function ended, for pytest to tell."""

    def __init__(self) -> None:
        self.by_function: dict[str, Counter[str]] = defaultdict(Counter)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Count a test; what sets it up or clears away after it counts where it did not pass."""
        if report.when == "call" or report.outcome != "passed":
            self.by_function[report.nodeid.split("[")[0]][report.outcome] += 1


def in_words(counts: Counter[str]) -> str:
    """Return how many tests ended in which way."""
    return ", ".join(f"{counts[end]:,} {end}" for end in ENDS if counts[end]) or "not run"


def with_results(page: str, outcomes: Mapping[str, Counter[str]], made_with: str) -> str:
    """Return the page with the results of today in the last column, and their sum on top."""
    lines = []
    for line in page.splitlines():
        names = TEST.findall(line)
        if line.startswith("| ") and names:
            row = sum((outcomes.get(name, Counter()) for name in names), Counter())
            line = f"{line.rsplit(' | ', 1)[0]} | {in_words(row)} |"
        elif line.startswith("Last results: "):
            line = f"Last results: {in_words(sum(outcomes.values(), Counter()))}, {made_with}."
        lines.append(line)
    return "\n".join(lines) + "\n"


def main() -> int:
    """Run the tests and write the page."""
    page = PAGE.read_text(encoding="utf-8")
    names = sorted(set(TEST.findall(page)))
    outcomes = Outcomes()
    code = pytest.main([*names, "-q", "-rs", "--numprocesses=2"], plugins=[outcomes])
    if not outcomes.by_function:  # A test that is named is not there; pytest has said which.
        return int(code)
    today = dt.datetime.now(dt.UTC).date()
    system = f"{platform.system()} with Python {platform.python_version()}"
    made_with = f"by `make promises` on {today}, {system}, torch {torch.__version__}"
    PAGE.write_text(with_results(page, outcomes.by_function, made_with), encoding="utf-8")
    return int(code)


if __name__ == "__main__":
    raise SystemExit(main())
