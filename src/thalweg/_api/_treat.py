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
from thalweg.train import Config, Run, read_toml

EPOCHS = 5
"""Length of the comparison: long enough to see a difference, short enough to wait for."""
# How much lower, as a share, the validation loss must end for a remedy to have helped; less is
# within what another seed does.
MARGIN = 0.02
# A rate may be wrong by more than the one power of ten that a remedy changes.
MOST_DOSES = 3


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

    Where it does not help it is applied once more, up to three times. The run itself is not
    touched.

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
    epochs = min(EPOCHS, config.epochs or EPOCHS)
    sections = read_toml(run.folder / "config.toml")
    with tempfile.TemporaryDirectory(prefix="thalweg-treat-") as folder:

        def last(name: str, settings: Config) -> dict[str, float]:
            """Train shortly and return the last measurements."""
            say(f"training {name}")
            short = {**sections, "train": {**settings.to_settings(), "epochs": epochs}}
            trained = train_from(short, out=Path(folder) / name, progress=False)
            return dict(trained.history.epochs[-1]) if trained.history.epochs else {}

        def treated(dose: int) -> Treatment:
            cured = config
            for _ in range(dose):
                cured = finding.remedy.apply(cured)
            return Treatment(
                fault=finding.fault,
                remedy=str(finding.remedy),
                changed=_changes(config, cured),
                epochs=epochs,
                before=before,
                after=last(f"with the remedy, {dose}", cured),
            )

        before = last("as it was", config)
        found = treated(1)
        for dose in range(2, MOST_DOSES + 1):
            if found.helped:
                break
            found = treated(dose)
    return found


def _changes(before: Config, after: Config) -> dict[str, tuple[Any, Any]]:
    old, new = before.to_settings(), after.to_settings()
    return {
        name: (old.get(name), new.get(name))
        for name in {*old, *new}
        if old.get(name) != new.get(name)
    }


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
