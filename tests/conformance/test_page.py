"""`docs/conformance.md` says what the checks say, and its programs hold."""

import re
from pathlib import Path

import pytest

from thalweg.conformance import tables

PAGE = (Path(__file__).parents[2] / "docs" / "conformance.md").read_text(encoding="utf-8")
PROGRAMS = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("noun", ["network", "task", "data"])
def test_the_page_has_the_table_that_the_checks_write(noun):
    assert tables()[noun] in PAGE


def test_the_page_has_no_check_that_there_is_not():
    rows = re.findall(r"^\| `([a-z-]+)`", PAGE, re.MULTILINE)
    assert sorted(rows) == sorted(re.findall(r"^\| `([a-z-]+)`", "".join(tables().values()), re.M))


@pytest.mark.parametrize("program", PROGRAMS)
def test_the_programs_run(program, capsys):
    exec(compile(program, "docs/conformance.md", "exec"), {})
    assert "failed" not in capsys.readouterr().out


def test_no_cell_breaks_its_row():
    for table in tables().values():
        assert {line.count("|") for line in table.splitlines()} == {4}
