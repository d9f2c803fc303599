"""Runs side by side: what differs in their settings, and how they scored."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from thalweg.errors import SettingError
from thalweg.train import Run


@dataclass(frozen=True)
class Comparison:
    """One column per run; rows only where the runs differ."""

    names: tuple[str, ...]
    settings: dict[str, tuple[Any, ...]]
    """By setting: its value in each run, None where a run has none."""
    scores: dict[str, tuple[float | None, ...]]
    """By part and metric, "test accuracy": its value in each run."""

    def to_json(self) -> dict[str, Any]:
        """Return the comparison as plain data."""
        return {"runs": self.names, "settings": self.settings, "scores": self.scores}


def compare(*runs: Run | str | Path) -> Comparison:
    """Return what differs between runs and how each scored.

    Args:
        *runs: Runs, or their folders.

    Raises:
        SettingError: Fewer than two were given.
        RunError: A folder is not a run.
    """
    if len(runs) < 2:
        raise SettingError("compare needs at least two runs.")
    loaded = [run if isinstance(run, Run) else Run.peek(run) for run in runs]
    flat = [_flat(run) for run in loaded]
    settings = {}
    for name in sorted({name for each in flat for name in each}):
        values = tuple(each.get(name) for each in flat)
        if any(value != values[0] for value in values):
            settings[name] = values
    scores = [_scores(run) for run in loaded]
    names = list(dict.fromkeys(name for each in scores for name in each))
    return Comparison(
        names=tuple(str(run.folder or run) for run in loaded),
        settings=settings,
        scores={name: tuple(each.get(name) for each in scores) for name in names},
    )


def _flat(run: Run) -> dict[str, Any]:
    sections = {
        "data": run.settings.data,
        "model": run.settings.model,
        "task": run.settings.task,
        "train": run.settings.train.to_settings(),
    }
    return {
        f"{section}.{name}": value
        for section, content in sections.items()
        for name, value in content.items()
    }


def _scores(run: Run) -> dict[str, float]:
    found = {
        f"{part} {metric}": value
        for part, metrics in run.scores.items()
        for metric, value in metrics.items()
    }
    best = run.status.best_epoch
    if best and best <= len(run.history.epochs):
        row = run.history.epochs[best - 1]
        found |= {
            name.replace("_", " ", 1): value
            for name, value in row.items()
            if name.startswith(("valid_", "train_"))
        }
    return found
