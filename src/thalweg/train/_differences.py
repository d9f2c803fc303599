"""What keeps a run from going on exactly."""

import json

from thalweg._core import formats
from thalweg.data import Splits
from thalweg.train import _checkpoint
from thalweg.train._folder import RunFolder
from thalweg.train._ranks import Ranks
from thalweg.train._run import Run
from thalweg.train._settings import made_with, read_toml

# What may be set anew in config.toml before a run goes on: it says when to save.
MAY_CHANGE = ("checkpoint_every", "checkpoint_minutes")


def differences(run: Run, data: Splits, ranks: Ranks | None = None) -> list[str]:
    """Return what differs now from when the run began, in words."""
    assert run.folder is not None
    found = []
    if data.schema.fingerprint != run.schema.fingerprint:
        found.append(
            f"the data have changed (fingerprint {run.schema.fingerprint[:8]} then, "
            f"{data.schema.fingerprint[:8]} now)"
        )
    processes = 1 if ranks is None else ranks.size
    then = {"processes": 1, **read_toml(run.folder / "config.toml").get("made_with", {})}
    found += [
        f"{name} was {formats.plain(then.get(name))} then, is {value} now"
        for name, value in made_with(processes, run.settings.train.threads).items()
        if then.get(name) != value
    ]
    before = _checkpoint.settings(RunFolder(run.folder).checkpoints)
    now = json.loads(json.dumps(run.settings.train.to_settings()))
    found += [
        f"{name} was {formats.plain(before.get(name))} then, is {formats.plain(now.get(name))} now"
        for name in sorted({*before, *now})
        if before and name not in MAY_CHANGE and before.get(name) != now.get(name)
    ]
    return found
