"""What keeps a run from going on exactly."""

from dataclasses import replace
from typing import Any

from torch import nn

from thalweg._core import formats
from thalweg.data import Splits
from thalweg.models import recipe_of
from thalweg.train import _checkpoint
from thalweg.train._folder import RunFolder
from thalweg.train._ranks import Ranks
from thalweg.train._run import Run
from thalweg.train._settings import NO_OPTIONS, made_with, read_toml

# What may be set anew in config.toml before a run goes on: it says when to save.
MAY_CHANGE = ("checkpoint_every", "checkpoint_minutes")
# How to have it as it was, where the setting's name does not say so.
REMEDIES = {"processes": ": `torchrun --nproc-per-node {}` starts as many"}


def differences(run: Run, model: nn.Module, data: Splits, ranks: Ranks | None = None) -> list[str]:
    """Return what differs now from when the run began, in words.

    Args:
        run: Read from its folder.
        model: What is to be trained on; what its recipe says counts, whoever made it.
        data: What it is to be trained on.
        ranks: The processes that go on together; None for one alone.
    """
    assert run.folder is not None
    found = []
    if data.schema.fingerprint != run.schema.fingerprint:
        found.append(
            f"the data have changed (fingerprint {run.schema.fingerprint[:8]} then, "
            f"{data.schema.fingerprint[:8]} now)"
        )
    processes = 1 if ranks is None else ranks.size
    then = {"processes": 1, **read_toml(run.folder / "config.toml").get("made_with", {})}
    for name, value in made_with(processes, run.settings.train.threads).items():
        if then.get(name) != value:
            was = formats.plain(then.get(name))
            remedy = REMEDIES.get(name, "").format(was)
            found.append(f"{name} was {was} then, is {value} now{remedy}")
    before = _checkpoint.settings(RunFolder(run.folder).checkpoints)
    now = replace(run.settings, model=_of_network(run.settings.model, model)).sections()
    for section, then in before.items():
        found += _changed(then, now[section], "" if section == "train" else f"[{section}] ")
    return found


def _of_network(settings: dict[str, Any], model: nn.Module) -> dict[str, Any]:
    """Return a network's settings with the options that this one was made with, if they say."""
    recipe = recipe_of(model)
    if recipe is None or "name" not in settings:
        return settings
    others = {name: value for name, value in settings.items() if name in NO_OPTIONS}
    return {**others, "name": recipe.name, **recipe.options}


def _changed(then: dict[str, Any], now: dict[str, Any], section: str) -> list[str]:
    """Return in words which settings of a section are others now."""
    return [
        f"{section}{name} was {formats.plain(then.get(name))} then, "
        f"is {formats.plain(now.get(name))} now"
        for name in sorted({*then, *now})
        if name not in MAY_CHANGE and then.get(name) != now.get(name)
    ]
