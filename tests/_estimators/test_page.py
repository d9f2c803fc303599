"""`docs/estimators.md`: its programs run."""

import re
from pathlib import Path

import pytest

PAGE = (Path(__file__).parents[2] / "docs" / "estimators.md").read_text(encoding="utf-8")
PROGRAMS = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def test_there_are_programs():
    assert len(PROGRAMS) > 2


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_program_runs(program):
    exec(compile(program, "docs/estimators.md", "exec"), {})
