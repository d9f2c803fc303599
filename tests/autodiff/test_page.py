"""The programs of docs/differentiation.md run in order and print what it says."""

import contextlib
import re
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"
PROGRAM = re.compile(r"```python\n(.*?)```\n(?:```\n(.*?)```\n)?", re.DOTALL)


@pytest.fixture(scope="module")
def printed(tmp_path_factory):
    """What each program prints, beside what the page says it does."""
    shared, found = {}, []
    for program, said in PROGRAM.findall((DOCS / "differentiation.md").read_text()):
        lines = []
        shared["print"] = lambda *values, lines=lines: lines.extend(map(str, values))
        with contextlib.chdir(tmp_path_factory.mktemp("page")):
            exec(program, shared)
        found.append(("\n".join(lines), said.rstrip()))
    return found


def cells(table, columns):
    """Return these columns of a table, whose cells are at least two spaces apart."""
    return [re.split(r"\s{2,}", line)[:columns] for line in table.splitlines()]


def test_the_ways_take_as_many_evaluations_as_the_page_says(printed):
    now, said = printed[0]
    for line, expected in zip(now.splitlines(), said.splitlines(), strict=True):
        assert line.split()[0] == expected.split()[0]
        assert line.split()[-2:] == expected.split()[-2:]


def test_the_wrong_gradient_is_the_one_on_the_page(printed):
    now, said = printed[1]
    assert cells(now, 4)[:3] == cells(said, 4)[:3]
    assert now.splitlines()[2] == said.splitlines()[2]


def test_the_graph_is_the_one_on_the_page(printed):
    assert printed[2][0] == printed[2][1]


def test_the_programs_of_the_page_on_convolution_run():
    for program, _ in PROGRAM.findall((DOCS / "convolution.md").read_text()):
        exec(program, {})


@pytest.mark.parametrize("page", ["differentiation.md", "convolution.md"])
def test_every_picture_is_there(page):
    text = (DOCS / page).read_text()
    for name in re.findall(r"!\[[^]]*\]\(([^)]+)\)", text):
        assert (DOCS / name).read_text().startswith("<svg")
