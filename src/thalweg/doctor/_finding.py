"""What the doctor says: findings with evidence and remedies, and the diagnosis of them all."""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from thalweg._core import formats
from thalweg.doctor import _text
from thalweg.doctor._faults import FAULTS
from thalweg.errors import SettingError

if TYPE_CHECKING:
    from rich.text import Text

Severity = Literal["error", "warning"]
C = TypeVar("C")
TRIED = {True: ", confirmed by a trial", False: ", a trial did not confirm it", None: ""}


class Remedy(str):
    """A sentence that says what to change; where a setting does it, also how.

    Args:
        sentence: With the line to change.
        change: Returns the settings to replace, given the present ones; None if no setting
            does it.

    Example:
        >>> Remedy("Use mean squared error.").is_applicable
        False
    """

    change: Callable[[Any], dict[str, Any]] | None

    def __new__(
        cls, sentence: str, change: Callable[[Any], dict[str, Any]] | None = None
    ) -> "Remedy":
        remedy = super().__new__(cls, sentence)
        remedy.change = change
        return remedy

    @property
    def is_applicable(self) -> bool:
        """Whether a changed setting does it."""
        return self.change is not None

    def apply(self, config: C) -> C:
        """Return the configuration changed as the sentence says.

        Raises:
            SettingError: No setting does it.
        """
        if self.change is None:
            raise SettingError(f"no setting does this, the code must change: {self}")
        return dataclasses.replace(config, **self.change(config))  # type: ignore[type-var]


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong."""

    fault: str
    """A code of `thalweg.doctor.FAULTS`."""
    where: str
    """A module, a parameter, a column, a range of examples, or a place in the loop."""
    severity: Severity
    """"error": training is wrong. "warning": it costs accuracy or time."""
    confidence: float
    """Between zero and one."""
    evidence: dict[str, Any]
    """The numbers that show it: plain, or short series."""
    remedy: Remedy
    confirmed: bool | None = None
    """What a trial on a copy found; None where none was made."""
    symptoms: tuple["Finding", ...] = ()
    """What this explains."""

    def __post_init__(self) -> None:
        assert self.fault in FAULTS, self.fault
        assert 0 <= self.confidence <= 1, self.confidence

    def to_json(self) -> dict[str, Any]:
        """Return the finding as plain data."""
        return {
            "fault": self.fault,
            "where": self.where,
            "severity": self.severity,
            "confidence": self.confidence,
            "evidence": self.evidence,
            "remedy": str(self.remedy),
            "confirmed": self.confirmed,
            "symptoms": [each.to_json() for each in self.symptoms],
        }

    def __str__(self) -> str:
        lines = [f"{self.severity}: {FAULTS[self.fault].title}"]
        sure = f"{100 * self.confidence:.0f} % sure{TRIED[self.confirmed]}"
        where = formats.plain(self.where)
        lines.append(_text.labelled("fault", f"{self.fault} in {where}, {sure}"))
        for place, (name, value) in enumerate(self.evidence.items()):
            words = formats.plain(name.replace("_", " "))
            label = "" if place else "seen"
            lines.append(_text.labelled(label, f"{words}: {_text.shown(value)}"))
        lines.append(_text.labelled("remedy", formats.plain(self.remedy, longest=600)))
        if self.symptoms:
            explained = ", ".join(f"{each.fault} in {each.where}" for each in self.symptoms)
            lines.append(_text.labelled("explains", formats.plain(explained, longest=300)))
        return "\n".join(lines)


@dataclass(frozen=True)
class Diagnosis:
    """What is wrong with a training, the most likely cause first; nothing when it is healthy."""

    findings: tuple[Finding, ...] = ()
    notes: tuple[str, ...] = ()
    """Hints that are no findings."""
    unchecked: dict[str, str] = field(default_factory=dict)
    """What could not be judged, and why, by fault."""
    steps: int = 0
    """Optimizer steps that were watched."""

    @property
    def healthy(self) -> bool:
        """Whether nothing was found."""
        return not self.findings

    def to_json(self) -> dict[str, Any]:
        """Return the diagnosis as plain data."""
        return {
            "healthy": self.healthy,
            "findings": [each.to_json() for each in self.findings],
            "notes": list(self.notes),
            "unchecked": self.unchecked,
            "steps": self.steps,
        }

    def brief(self) -> str:
        """Return the findings as text, without notes and what was not checked."""
        return "\n\n".join(map(str, self.findings))

    def __str__(self) -> str:
        if self.healthy and not self.steps:
            return "No training was seen: no known optimizer took a step during the watch."
        parts = [str(finding) for finding in self.findings]
        parts = parts or [f"Nothing is wrong ({formats.count(self.steps)} steps watched)."]
        for note in self.notes:
            parts.append(_text.folded(f"note: {formats.plain(note, longest=400)}", ""))
        if self.unchecked:
            reasons: dict[str, list[str]] = {}
            for fault, reason in self.unchecked.items():
                reasons.setdefault(reason, []).append(fault)
            told = (f"{', '.join(faults)}: {reason}" for reason, faults in reasons.items())
            parts.append("\n".join(["not checked", *(_text.folded(each, "  ") for each in told)]))
        return "\n\n".join(parts)

    def __rich__(self) -> "Text":
        return _text.in_colour(str(self))
