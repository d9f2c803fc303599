"""The pages of promises name tests that exist."""

import re
import runpy
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROMISES = Path(__file__).with_name("promises.py")


@pytest.mark.parametrize(("page", "fewest"), [("docs/reliability.md", 150), ("SECURITY.md", 40)])
def test_every_test_that_the_page_names_exists(page, fewest):
    named = re.findall(r"`(tests/\S+\.py)::(\w+)`", (ROOT / page).read_text(encoding="utf-8"))
    assert len(named) > fewest
    absent = [
        f"{file}::{name}"
        for file, name in named
        if f"def {name}(" not in (ROOT / file).read_text(encoding="utf-8")
    ]
    assert not absent


def test_every_door_shows_its_tests():
    page = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
    doors = [line for line in page.splitlines() if line.startswith("| **")]
    assert len(doors) > 10
    assert not [door for door in doors if "`tests/" not in door]


def test_every_promise_has_its_last_result_and_none_failed():
    page = (ROOT / "docs/reliability.md").read_text(encoding="utf-8")
    rows = [line for line in page.splitlines() if line.startswith("| ") and "`tests/" in line]
    assert len(rows) > 60
    end = re.compile(r" \| [\d,]+ passed(, \d+ skipped)? \|$")
    assert not [row for row in rows if not end.search(row)]


def test_results_are_written_beside_their_promises():
    tests = "`tests/a.py::test_a` `tests/b.py::test_b`"
    page = f"Last results: none.\n| a | {tests} | 3 | old |\n| b |\n"
    ends = {
        "tests/a.py::test_a": Counter(passed=1200, skipped=1),
        "tests/b.py::test_b": Counter(failed=2),
    }
    told = "1,200 passed, 1 skipped, 2 failed"
    assert runpy.run_path(str(PROMISES))["with_results"](page, ends, "today") == (
        f"Last results: {told}, today.\n| a | {tests} | 3 | {told} |\n| b |\n"
    )
