"""What the run was made from, and why where nobody asked for it."""

from dataclasses import dataclass
from typing import Any

from thalweg._core import formats
from thalweg.report._section import Section
from thalweg.report._wording import several
from thalweg.train import Config, Run


@dataclass(frozen=True)
class Row:
    """One setting."""

    group: str
    setting: str
    value: str
    why: str


def settings(run: Run) -> Section:
    """List what was decided with its reason, what was asked for, and the defaults."""
    decided = [
        Row(
            "",
            formats.plain(each.setting),
            formats.plain(formats.setting(each.value)),
            formats.plain(each.reason, 300),
        )
        for each in run.choices
    ]
    chosen = {each.setting for each in run.choices}
    asked, usual = [], []
    defaults = Config().to_settings()
    for group, content in _groups(run).items():
        for name, value in content.items():
            # Which model or task it is was decided under that noun.
            noun = group if name == "name" else name
            if (noun in chosen and group != "data") or value in (None, {}, []):
                continue
            is_usual = group == "training" and defaults.get(name) == value
            row = Row(group, formats.plain(name), formats.plain(formats.setting(value)), "")
            (usual if is_usual else asked).append(row)
    sentence = (
        f"{several(len(decided), 'decision was', 'decisions were')} taken without being asked for, "
        f"each with its reason; any of them can be overridden."
    )
    return Section("settings", "Settings", sentence, {"rows": asked + decided, "usual": usual})


def _groups(run: Run) -> dict[str, dict[str, Any]]:
    return {
        "data": run.settings.data,
        "model": run.settings.model,
        "task": run.settings.task,
        "training": run.settings.train.to_settings(),
    }
