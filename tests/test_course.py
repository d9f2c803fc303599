"""`docs/course.md` is held to the code: its tests exist, its calls name what is there."""

import ast
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import thalweg
from thalweg import data, models, nn, tasks, train

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "course.md").read_text(encoding="utf-8")
# The inventory of the course: the letter of each of its parts, and how many topics it has.
PARTS = {
    "N": 8,
    "G": 6,
    "O": 8,
    "R": 10,
    "V": 15,
    "D": 6,
    "X": 6,
    "S": 8,
    "U": 5,
    "T": 3,
    "Z": 14,
}
TOPICS = {f"{part}{number}" for part, many in PARTS.items() for number in range(1, many + 1)}
# Names that stand for what the reader has.
READERS = {"data": data.Splits, "model": models.networks["mlp"], "run": train.Run, "n": int}
REGISTRIES = {
    "optimizer": {*train.optimizers.names(), "momentum", "nesterov"},
    "schedule": set(train.schedules.names()),
    "task": set(tasks.tasks.names()),
    "activation": set(nn.activations.names()),
    "initialization": set(nn.initializations.names()),
}


def rows() -> Iterator[list[str]]:
    """Yield the cells of each row about a topic."""
    for line in PAGE.splitlines():
        if line.startswith("| **"):
            yield [cell.strip() for cell in line.strip("|").split("|")]


def quoted(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def topic(row: list[str]) -> str:
    found = re.match(r"\*\*(\w+)\*\*", row[0])
    assert found, row[0]
    return found[1]


ROWS = {topic(row): row for row in rows()}
TESTS = sorted({each for row in ROWS.values() for each in quoted(row[-1])})
CALLS = sorted({each for name, row in ROWS.items() if name[0] != "Z" for each in quoted(row[1])})


def test_every_topic_is_listed_once_or_said_to_be_missing():
    missing = set()
    for first, last in re.findall(r"([A-Z]\d+)(?:–([A-Z]\d+))?", PAGE.split("Not covered")[1]):
        numbers = range(int(first[1:]), int((last or first)[1:]) + 1)
        missing |= {f"{first[0]}{number}" for number in numbers}
    assert set(ROWS) | missing == TOPICS
    assert not set(ROWS) & missing
    assert len(list(rows())) == len(ROWS)


def test_every_topic_is_proved():
    assert not [name for name, row in ROWS.items() if not quoted(row[-1])]


@pytest.mark.parametrize("name", TESTS)
def test_a_test_that_is_named_exists(name):
    path, _, function = name.partition("::")
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    assert function.startswith("test_")
    assert function in [node.name for node in tree.body if isinstance(node, ast.FunctionDef)]


@pytest.mark.parametrize("call", CALLS)
def test_a_call_names_what_is_there(call):
    expression = ast.parse(call, mode="eval").body
    function = expression.func if isinstance(expression, ast.Call) else expression
    public(ast.unparse(function))
    if isinstance(expression, ast.Call):
        given = {each.arg: each.value for each in expression.keywords}
        assert set(given) <= settings(expression, given)
        for name, registered in REGISTRIES.items():
            assert name not in given or ast.literal_eval(given[name]) in registered


def public(path: str) -> Any:
    """Return what a dotted path names, its parts all public."""
    first, *parts = path.split(".")
    value = thalweg if first in ("tw", "thalweg") else READERS[first]
    for position, part in enumerate(parts, start=1):
        assert not part.startswith("_")
        if value is thalweg and part not in thalweg.__all__:
            __import__(".".join(["thalweg", *parts[:position]]))
        value = getattr(value, part)
    return value


def settings(call: ast.Call, given: dict[str | None, ast.expr]) -> set[str]:
    """Return the keywords that a call may have."""
    function = ast.unparse(call.func)
    known = keywords(public(function))
    first = call.args[0] if call.args else None
    name = str(first.value) if isinstance(first, ast.Constant) else ""
    if function == "tw.fit":
        chosen = {
            setting: ast.literal_eval(given[setting]) if setting in given else usual
            for setting, usual in (("optimizer", "adamw"), ("schedule", "cosine"))
        }
        known |= set(train.setting_names(chosen["optimizer"], chosen["schedule"]))
        if "task" in given:
            known |= set(tasks.option_names(ast.literal_eval(given["task"])))
        assert not name or name in models.networks
    elif function == "tw.build":
        known |= keywords(models.networks[name])
    elif function == "tw.load":
        source = data.builtins[name] if name in data.builtins else data.sources["folders"].read
        known |= keywords(source)
    return known


def keywords(function: Any) -> set[str]:
    return set(inspect.signature(function).parameters)
