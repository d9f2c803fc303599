"""`docs/doctor.md` has every fault once, in causal order, and its programs hold."""

import ast
import contextlib
import io
import re
from pathlib import Path

import pytest

from thalweg.doctor import FAULTS
from thalweg.doctor._faults import STAGES

PAGE = (Path(__file__).parents[1] / "docs" / "doctor.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
PROGRAMS = [body for language, body in BLOCKS if language == "python"]
SECTIONS = dict(re.findall(r"^### (\S+)\n(.*?)(?=^##|\Z)", PAGE, re.MULTILINE | re.DOTALL))
# A page that is read from top to bottom cannot afford more on one fault.
MOST_LINES = 10


def test_every_fault_has_its_heading_once_in_causal_order():
    headings = re.findall(r"^##(#?) (.+)$", PAGE, re.MULTILINE)
    stages = [title.lower() for is_code, title in headings if not is_code]
    assert tuple(each for each in stages if each in STAGES) == STAGES
    expected: list[str] = []
    for stage in STAGES:
        expected += [stage, *(code for code, fault in FAULTS.items() if fault.stage == stage)]
    start = [title.lower() for _, title in headings].index(STAGES[0])
    assert [title if is_code else title.lower() for is_code, title in headings[start:]] == expected


@pytest.mark.parametrize("code", FAULTS)
def test_a_section_tells_neighbours_remedy_and_what_is_read(code):
    section = SECTIONS[code].strip()
    assert len(section.splitlines()) <= MOST_LINES
    for part in ("**Told from**", "**Do:**", "**Read:**"):
        assert section.count(part) == 1, part
    remedy = section.split("**Do:**")[1].split("**Read:**")[0]
    assert "`" in remedy


def test_a_code_that_is_named_exists():
    """What is written like a code is one, or a word that only looks so."""
    named = set(re.findall(r"`([a-z]+(?:-[a-z]+)+)`", PAGE))
    assert named <= set(FAULTS)


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_program_compiles(program):
    compile(ast.parse(program), "docs/doctor.md", "exec")


def test_the_first_program_gives_the_finding_that_the_page_shows():
    (_, program), (_, shown) = BLOCKS[:2]
    names: dict[str, object] = {}
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(program, "docs/doctor.md", "exec"), names)
    # What it explains, and what was not checked, depends on how many steps there was time for.
    finding = shown.split("  explains")[0]
    assert finding.startswith("error: ")
    assert printed.getvalue().startswith(finding)
    assert sum(line.startswith(("error:", "warning:")) for line in shown.splitlines()) == 1


def test_the_first_program_is_healthy_once_it_is_cured():
    program = BLOCKS[0][1].replace(
        "loss.backward()\n", "optimizer.zero_grad()\n            loss.backward()\n"
    )
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(program, "docs/doctor.md", "exec"), {})
    assert "`Nothing is wrong (200 steps watched).`" in PAGE
    assert printed.getvalue().startswith("Nothing is wrong (200 steps watched).")
