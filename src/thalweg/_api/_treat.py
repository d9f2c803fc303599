"""What a remedy does for the user's own run: trained twice for a short while, compared."""

import dataclasses
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from thalweg._api._verbs import train_from
from thalweg.doctor import Finding
from thalweg.errors import RunError, SettingError
from thalweg.train import Run, read_toml

EPOCHS = 5
"""Length of the comparison: long enough to see a difference, short enough to wait for."""
# How much lower, as a share, the validation loss must end for a remedy to have helped; less is
# within what another seed does.
MARGIN = 0.02


@dataclass(frozen=True)
class Treatment:
    """A run and the same run with a remedy, from the same seed, equally long."""

    fault: str
    remedy: str
    changed: dict[str, tuple[Any, Any]]
    """Settings that differ: before and after."""
    epochs: int
    before: dict[str, float]
    """Last measurements of the run as it was."""
    after: dict[str, float]

    @property
    def helped(self) -> bool:
        """Whether the remedy is to be recommended."""
        name = "valid_loss" if "valid_loss" in self.after else "train_loss"
        old, new = self.before.get(name, float("inf")), self.after.get(name, float("inf"))
        return new < old - MARGIN * abs(old) or (old != old and new == new)

    def to_json(self) -> dict[str, Any]:
        """Return the result as plain data."""
        return {"helped": self.helped, **dataclasses.asdict(self)}


def treat(run: Run | str | Path, *, say: Callable[[str], None] = lambda line: None) -> Treatment:
    """Apply the first remedy that a setting can, train both versions shortly, and compare.

    The run itself is not touched.

    Args:
        run: A run, or its folder, whose data and network settings can name.
        say: Told of each step in words.

    Raises:
        RunError: Nothing was found, or no setting cures it.
        SettingError: Data or network were handed over in Python.

    Example:
        `thalweg diagnose runs/digits-1 --treat`
    """
    run = run if isinstance(run, Run) else Run.peek(run)
    finding = _treatable(run)
    if run.folder is None or not run.schema.is_reloadable or "class" in run.settings.model:
        raise SettingError(
            "treat trains the run again from its config.toml, which needs data and a network "
            "that settings can name; these were handed over in Python."
        )
    config = run.settings.train
    cured = finding.remedy.apply(config).to_settings()
    own = config.to_settings()
    changed = {
        name: (own.get(name), cured.get(name))
        for name in {*own, *cured}
        if own.get(name) != cured.get(name)
    }
    sections = read_toml(run.folder / "config.toml")
    epochs = min(EPOCHS, config.epochs or EPOCHS)
    measured = []
    with tempfile.TemporaryDirectory(prefix="thalweg-treat-") as folder:
        for name, settings in (("as it was", own), ("with the remedy", cured)):
            say(f"training {name}")
            short = {**sections, "train": {**settings, "epochs": epochs}}
            trained = train_from(short, out=Path(folder) / name, progress=False)
            measured.append(dict(trained.history.epochs[-1]) if trained.history.epochs else {})
    return Treatment(
        fault=finding.fault,
        remedy=str(finding.remedy),
        changed=changed,
        epochs=epochs,
        before=measured[0],
        after=measured[1],
    )


def _treatable(run: Run) -> Finding:
    findings = run.diagnosis.findings
    if not findings:
        raise RunError("nothing is wrong with this run, so there is nothing to treat.")
    found = next((each for each in findings if each.remedy.is_applicable), None)
    if found is None:
        raise RunError(
            f"no setting cures {findings[0].fault}; the code or the data must change: "
            f"{findings[0].remedy}"
        )
    return found
