"""`docs/settings.md` lists every setting, and nothing that is not one."""

import inspect
import re
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

import thalweg as tw
from thalweg import nn
from thalweg.data import Augmentation
from thalweg.train._optimizers import LEARNING_RATES, VARIANTS, canonical, constants_of
from thalweg.train._schedules import schedule_options

PAGE = (Path(__file__).parents[1] / "docs" / "settings.md").read_text(encoding="utf-8")
# They choose how torch computes an update, not which.
KERNELS = {"foreach", "capturable", "maximize", "fused"}
# Given by the data, or by a setting that the page has elsewhere.
GIVEN = {"outputs", "features", "channels", "size", "seed"}


def table(section: str, head: str) -> dict[str, list[str]]:
    """Return the other cells of each row of a section's table, by the name in the first."""
    text = PAGE.split(f"## [{section}]")[1].split("\n## ")[0]
    body = text.split(f"| {head} |")[1].split("\n\n")[0].splitlines()[2:]
    rows = [re.split(r"(?<!\\)\|", line.strip("|")) for line in body]
    return {first.strip().strip("`"): [cell.strip() for cell in rest] for first, *rest in rows}


def quoted(cell: str) -> set[str]:
    return set(re.findall(r"`([^`]+)`", cell))


def options(function: Callable[..., Any]) -> set[str]:
    parameters = inspect.signature(function).parameters.values()
    return {each.name for each in parameters if each.kind is each.KEYWORD_ONLY}


def test_every_setting_of_the_trainer_is_listed_with_its_default():
    listed = table("train", "setting")
    assert list(listed) == [each.name for each in fields(tw.train.Config)]
    for name, value in tw.train.Config().to_settings().items():
        shown = "none" if value == {} else f"{value:g}" if type(value) in (int, float) else value
        assert listed[name][0].strip("`") == str(shown).removesuffix(".0").replace("True", "true")


def test_every_option_of_load_is_listed_with_its_default():
    listed = table("data", "setting")
    parameters = inspect.signature(tw.load).parameters
    assert set(listed) - {"source"} == set(parameters) - {"data", "options"}
    for name in ("valid", "test", "seed"):
        assert listed[name][0] == str(parameters[name].default)


@pytest.mark.parametrize(
    ("section", "head", "registry"),
    [
        ("data", "set", tw.data.builtins),
        ("model", "network", tw.models.networks),
        ("task", "task", tw.tasks.tasks),
    ],
)
def test_every_name_is_listed_with_its_options(section, head, registry):
    listed = table(section, head)
    assert list(listed) == registry.names()
    for entry in registry:
        missing = options(entry.value) - GIVEN - quoted(listed[entry.name][-1])
        assert not missing, entry.name


def test_every_source_is_listed_with_its_options():
    listed = table("data", "source")
    assert list(listed) == tw.data.sources.names()
    for entry in tw.data.sources:
        assert options(entry.value.read) - {"seed"} <= quoted(listed[entry.name][-1]), entry.name


def test_every_augmentation_is_listed():
    assert list(table("train", "augmentation")) == [each.name for each in fields(Augmentation)]


def test_every_schedule_is_listed_with_its_constants():
    listed = table("train", "schedule")
    assert list(listed) == tw.train.schedules.names()
    for name, cells in listed.items():
        assert quoted(cells[-1]) == set(schedule_options(name))


def test_every_optimizer_is_listed_with_its_rate_and_constants():
    listed = table("train", "optimizer")
    assert set(listed) == {*tw.train.optimizers.names(), *VARIANTS}
    for name, (rate, constants) in listed.items():
        base, _ = canonical(name, {})
        assert float(rate) == LEARNING_RATES.get(base, 1e-3)
        if base != name:
            assert quoted(constants) == {base, *VARIANTS[name][1]}
        else:
            assert quoted(constants) - {"strong_wolfe"} == set(constants_of(name)) - KERNELS


@pytest.mark.parametrize(
    ("line", "registry"),
    [("Activations", nn.activations), ("Initializations", nn.initializations)],
)
def test_every_word_for_a_network_is_listed(line, registry):
    (found,) = re.findall(rf"^{line}: (.*)$", PAGE, re.MULTILINE)
    assert quoted(found) == set(registry.names())
