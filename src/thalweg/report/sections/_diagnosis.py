"""What the doctor found: the cause, the numbers that show it, the change that cures it."""

from dataclasses import dataclass
from typing import Any

from thalweg._core import formats
from thalweg.doctor import FAULTS, Finding
from thalweg.report._section import Section
from thalweg.report._wording import several
from thalweg.train import Run

# A drawing beside a line of text, in pixels.
WIDTH, HEIGHT = 160, 36


@dataclass(frozen=True)
class Card:
    """One finding."""

    title: str
    fault: str
    where: str
    is_error: bool
    certainty: str
    numbers: list[tuple[str, str]]
    series: list[tuple[str, str, str]]
    """Name, path of the drawing, and the range in words."""
    remedy: str
    symptoms: list[str]


def diagnosis(run: Run) -> Section:
    """Show what is wrong with the training, or that nothing is."""
    title = "Diagnosis"
    if run.watched is None:
        return Section("diagnosis", title, "The doctor did not watch this training.")
    found = run.diagnosis
    steps = several(found.steps, "step")
    if found.healthy:
        checked = len(FAULTS) - len(found.unchecked)
        sentence = f"Nothing is wrong: {steps} watched for {checked} faults."
    else:
        first = FAULTS[found.findings[0].fault]
        sentence = f"{first.title[:1].upper()}{first.title[1:]}. Seen in {steps}."
    reasons: dict[str, list[str]] = {}
    for fault, reason in found.unchecked.items():
        reasons.setdefault(formats.plain(reason, longest=300), []).append(fault)
    body = {
        "cards": [_card(finding) for finding in found.findings],
        "notes": [formats.plain(note, longest=300) for note in found.notes],
        "unchecked": [(reason, ", ".join(faults)) for reason, faults in reasons.items()],
    }
    return Section("diagnosis", title, sentence, body if any(body.values()) else {})


def _card(finding: Finding) -> Card:
    tried: dict[bool | None, str] = {
        True: "confirmed by a trial",
        False: "a trial did not confirm it",
    }
    numbers, series = [], []
    for name, value in finding.evidence.items():
        words = formats.plain(name.replace("_", " "))
        if _is_series(value):
            series.append((words, sparkline(value), _range(value)))
        else:
            numbers.append((words, formats.plain(formats.setting(value))))
    return Card(
        title=FAULTS[finding.fault].title,
        fault=finding.fault,
        where=formats.plain(finding.where),
        is_error=finding.severity == "error",
        certainty=tried.get(finding.confirmed, f"{100 * finding.confidence:.0f} % sure"),
        numbers=numbers,
        series=series,
        remedy=formats.plain(finding.remedy, longest=600),
        symptoms=[f"{each.fault} in {formats.plain(each.where)}" for each in finding.symptoms],
    )


def _is_series(value: Any) -> bool:
    return (
        isinstance(value, (list, tuple))
        and len(value) > 3
        and all(isinstance(each, (int, float)) for each in value)
    )


def _range(values: list[float]) -> str:
    return f"from {formats.figure(values[0])} to {formats.figure(values[-1])}"


def sparkline(values: list[float]) -> str:
    """Return the path of a line through the values, in an SVG of 160 by 36 pixels.

    Example:
        >>> sparkline([0.0, 1.0])
        'M0.0 35.0L160.0 1.0'
    """
    finite = [value for value in values if value == value and abs(value) != float("inf")]
    low, high = min(finite, default=0.0), max(finite, default=0.0)
    span = (high - low) or 1.0
    across = WIDTH / max(1, len(values) - 1)
    points = [
        f"{place * across:.1f} {HEIGHT - 1 - (HEIGHT - 2) * (value - low) / span:.1f}"
        for place, value in enumerate(values)
        if low <= value <= high
    ]
    return "M" + "L".join(points)
