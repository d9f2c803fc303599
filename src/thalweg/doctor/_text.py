"""A diagnosis as text, in lines that fit the terminal."""

import shutil
import textwrap
from typing import TYPE_CHECKING, Any

from thalweg._core import formats
from thalweg.doctor._faults import FAULTS

if TYPE_CHECKING:
    from rich.text import Text

    from thalweg.doctor._finding import Diagnosis, Finding

WIDEST = 100
# Columns of the labels: "explains" and two spaces to either side.
INDENT = 12
TRIED = {True: ", confirmed by a trial", False: ", a trial did not confirm it", None: ""}


def of_finding(finding: "Finding") -> str:
    """Return what is wrong, the numbers that show it, and the remedy."""
    sure = f"{100 * finding.confidence:.0f} % sure{TRIED[finding.confirmed]}"
    lines = [f"{finding.severity}: {FAULTS[finding.fault].title}"]
    lines += _labelled("fault", f"{finding.fault} in {formats.plain(finding.where)}, {sure}")
    for place, (name, value) in enumerate(finding.evidence.items()):
        words = formats.plain(name.replace("_", " "))
        lines += _labelled("" if place else "seen", f"{words}: {_shown(value)}")
    lines += _labelled("remedy", formats.plain(finding.remedy, longest=600))
    if finding.symptoms:
        explained = ", ".join(f"{each.fault} in {each.where}" for each in finding.symptoms)
        lines += _labelled("explains", formats.plain(explained, longest=300))
    return "\n".join(lines)


def of_diagnosis(diagnosis: "Diagnosis") -> str:
    """Return the findings, the notes, and what was not checked."""
    parts = [str(finding) for finding in diagnosis.findings]
    if not parts and not diagnosis.steps:
        return "No training was seen: no known optimizer took a step during the watch."
    if not parts:
        parts = [f"Nothing is wrong ({formats.count(diagnosis.steps)} steps watched)."]
    parts += [_folded(f"note: {formats.plain(note, longest=400)}", "") for note in diagnosis.notes]
    if diagnosis.unchecked:
        reasons: dict[str, list[str]] = {}
        for fault, reason in diagnosis.unchecked.items():
            reasons.setdefault(reason, []).append(fault)
        told = (f"{', '.join(faults)}: {reason}" for reason, faults in reasons.items())
        parts.append("\n".join(["not checked", *(_folded(each, "  ") for each in told)]))
    return "\n\n".join(parts)


def in_colour(text: str) -> "Text":
    """Return the text with the head of each finding set off."""
    from rich.text import Text

    found = Text(text)
    found.highlight_regex(r"(?m)^error: .*$", "bold red")
    found.highlight_regex(r"(?m)^warning: .*$", "bold yellow")
    found.highlight_regex(r"(?m)^  (fault|seen|remedy|explains)  ", "dim")
    found.highlight_regex(r"(?ms)^not checked.*\Z", "dim")
    return found


def _labelled(label: str, content: str) -> list[str]:
    return _folded(content, " " * INDENT, f"  {label}".ljust(INDENT)).splitlines()


def _folded(content: str, indent: str, first: str | None = None) -> str:
    """Return a paragraph in lines no longer than the terminal's, code and numbers unbroken."""
    columns = min(WIDEST, shutil.get_terminal_size((WIDEST, 24)).columns)
    return textwrap.fill(
        content,
        max(columns, 2 * INDENT),
        initial_indent=indent if first is None else first,
        subsequent_indent=indent or "  ",
        break_long_words=False,
        break_on_hyphens=False,
    )


def _shown(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return ", ".join(formats.plain(formats.setting(each), longest=60) for each in value)
    return formats.plain(formats.setting(value), longest=200)
