"""The pages of promises name tests that exist."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


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
