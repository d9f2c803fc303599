"""From a record to a diagnosis: every check asked, causes put before what they cause."""

import dataclasses

from thalweg.doctor._faults import FAULTS
from thalweg.doctor._finding import Diagnosis, Finding
from thalweg.doctor.record import Record

# Stages whose faults, where they make training wrong, explain whatever shows in later ones.
CAUSES = ("data", "initialization", "wiring")


def diagnose(record: Record) -> Diagnosis:
    """Return what is wrong with a training that was seen.

    Args:
        record: What the probes wrote.
    """
    from thalweg.doctor import checks  # Late: sixty files that only a diagnosis needs.

    found: list[Finding] = []
    notes: list[str] = []
    unchecked: dict[str, str] = {}
    for code, check in checks.CHECKS.items():
        for answer in check(record):
            match answer:
                case checks.Unchecked(reason):
                    unchecked[code] = reason
                case checks.Note(text):
                    notes.append(text)
                case Finding():
                    found.append(answer)
    if "all" in record.limits:
        unchecked = dict.fromkeys(FAULTS, record.limits["all"])
    return Diagnosis(
        findings=tuple(ranked(found)),
        notes=tuple(notes),
        unchecked=unchecked,
        steps=record.count,
    )


def ranked(found: list[Finding]) -> list[Finding]:
    """Return the causes, the most likely first, each with the symptoms that it explains."""
    ordered = sorted(found, key=_order)
    direct = [
        {place for place, each in enumerate(ordered) if _precedes(finding, each)}
        for finding in ordered
    ]
    below = [_below(direct, place) for place in range(len(ordered))]
    explained: set[int] = set().union(*direct)
    causes = [place for place in range(len(ordered)) if place not in explained]
    for place, under in enumerate(below):
        # Those that explain each other in a circle have none at the top; the first breaks it.
        if place in under and not any(place in below[each] for each in causes):
            causes.append(place)
    causes.sort()
    beneath: dict[int, list[Finding]] = {}
    for place, finding in enumerate(ordered):
        if place not in causes:
            # Explained by what is explained in its turn: it stands beneath the cause of that.
            first = [each for links in (direct, below) for each in causes if place in links[each]]
            beneath.setdefault(first[0], []).append(finding)
    return [
        dataclasses.replace(ordered[place], symptoms=tuple(beneath.get(place, ())))
        for place in causes
    ]


def _below(direct: list[set[int]], place: int) -> set[int]:
    """Return what a finding explains, itself or by what it explains."""
    found: set[int] = set()
    queue = [*direct[place]]
    while queue:
        each = queue.pop()
        if each not in found:
            found.add(each)
            queue.extend(direct[each])
    return found


def _precedes(cause: Finding, finding: Finding) -> bool:
    """Return whether one finding accounts for another, and not rather the reverse."""
    if cause is finding or not explains(cause, finding):
        return False
    return not explains(finding, cause) or _weight(cause) < _weight(finding)


def explains(cause: Finding, finding: Finding) -> bool:
    """Return whether one finding accounts for another."""
    from thalweg.doctor import checks

    if cause.fault == finding.fault:
        return cause.where == finding.where
    first, second = FAULTS[cause.fault], FAULTS[finding.fault]
    if finding.fault in checks.EXPLAINS.get(cause.fault, ()):
        return True
    return cause.severity == "error" and first.stage in CAUSES and second.rank > first.rank


def _order(finding: Finding) -> tuple[bool, int, float, str, str]:
    rank = FAULTS[finding.fault].rank
    return finding.severity != "error", rank, -finding.confidence, finding.fault, finding.where


def _weight(finding: Finding) -> tuple[bool, float, tuple]:
    """Return what decides between two that explain each other: the surer one comes first."""
    return finding.severity != "error", -finding.confidence, _order(finding)
