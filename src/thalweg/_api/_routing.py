"""Settings by name alone, sorted to the part that they belong to."""

import inspect
from collections.abc import Sequence
from typing import Any

from thalweg import models, tasks, train
from thalweg._core.registry import did_you_mean
from thalweg.data import builtins, load, sources
from thalweg.errors import SettingError

Sections = dict[str, dict[str, Any]]
"""Settings by section: "data", "model", "task", "train"."""

NAMES = ("data", "model", "task", "train")
# What a section may hold besides the options of what it names.
_FIXED = {"data": ("source", "target"), "model": ("name", "seed"), "task": ("name",)}
_OF_ANY_MODEL = ("weights", "head", "download")
# What `build` and `load` are told in other ways.
_NOT_OPTIONS = frozenset({"features", "channels", "size", "outputs", "data", "options"})


def route(settings: dict[str, Any], sections: Sections, only: Sequence[str] = NAMES) -> Sections:
    """Return the sections with each setting filed in the one that knows it.

    A name that several sections know goes to the first of data, model, task and train, unless
    it is written with its section: `model.dropout`.

    Args:
        settings: By name.
        sections: Where to file them; "name" in "model" and "task" decides what is known there.
        only: The sections that may take settings.

    Raises:
        SettingError: No section knows a setting.

    Example:
        >>> route({"dropout": 0.2, "epochs": 3}, {"model": {"name": "mlp"}})
        {'model': {'name': 'mlp', 'dropout': 0.2}, 'train': {'epochs': 3}}
    """
    filed = {name: dict(content) for name, content in sections.items()}
    known = {
        "data": _of_data,
        "model": _of_model,
        "task": _of_task,
        "train": lambda given: train.setting_names(
            settings.get("optimizer", given.get("train", {}).get("optimizer", "adamw")),
            settings.get("schedule", given.get("train", {}).get("schedule", "cosine")),
        ),
    }
    names = {section: known[section](filed) for section in only}
    for setting, value in settings.items():
        section, _, name = setting.rpartition(".")
        if section and section not in only:
            raise SettingError(
                f"unknown section {section!r} in {setting!r}. {did_you_mean(section, only)}"
            )
        if section:
            homes = [section] if name in (*names[section], *_FIXED.get(section, ())) else []
        else:
            homes = [each for each in only if name in names[each]]
        if not homes:
            if "train" in only:
                _refuse_constant(name, {**filed.get("train", {}), **settings})
            every = [each for section in only for each in names[section]]
            raise SettingError(f"unknown setting {name!r}. {did_you_mean(name, every)}")
        filed.setdefault(homes[0], {})[name] = value
    return filed


def _refuse_constant(name: str, given: dict[str, Any]) -> None:
    """Raise where an unknown setting is a constant of other optimizers or schedules.

    Raises:
        SettingError: It is.
    """
    chosen = {
        "optimizer": given.get("optimizer", "adamw"),
        "schedule": given.get("schedule", "cosine"),
    }
    for kind, registry in (("optimizer", train.optimizers), ("schedule", train.schedules)):
        owners = [
            each.name
            for each in registry
            if name in train.setting_names(**{**chosen, kind: each.name})
        ]
        if owners:
            raise SettingError(
                f"the {kind} {chosen[kind]!r} has no constant {name!r}. "
                f"These have: {', '.join(owners)}."
            )


def _of_data(sections: Sections) -> list[str]:
    readers = [entry.value.read for entry in sources]
    name = sections.get("data", {}).get("source")
    if isinstance(name, str) and name in builtins:
        readers.append(builtins[name])
    return sorted({name for reader in (load, *readers) for name in _keywords(reader)})


def _of_model(sections: Sections) -> list[str]:
    name = sections.get("model", {}).get("name")
    factories = [models.networks[name]] if name else [entry.value for entry in models.networks]
    options = {name for factory in factories for name in _keywords(factory)} - _NOT_OPTIONS
    return sorted({*options, *_OF_ANY_MODEL})


def _of_task(sections: Sections) -> list[str]:
    name = sections.get("task", {}).get("name")
    kinds = [tasks.tasks[name]] if name else [entry.value for entry in tasks.tasks]
    return sorted({name for kind in kinds for name in _keywords(kind)})


def _keywords(function: Any) -> list[str]:
    parameters = inspect.signature(function).parameters.values()
    return [each.name for each in parameters if each.kind is each.KEYWORD_ONLY]
