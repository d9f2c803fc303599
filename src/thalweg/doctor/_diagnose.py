"""From a record to a diagnosis: every check asked, causes put before what they cause."""

import dataclasses

from thalweg.doctor import checks
from thalweg.doctor._faults import FAULTS
from thalweg.doctor._finding import Diagnosis, Finding
from thalweg.doctor.checks._check import Note, Unchecked
from thalweg.doctor.record import Record

# Stages whose faults, where they make training wrong, explain whatever shows in later ones.
CAUSES = ("data", "initialization", "wiring")


def diagnose(record: Record) -> Diagnosis:
    """Return what is wrong with a training that was seen.

    Args:
        record: What the probes wrote.
    """
    found: list[Finding] = []
    notes: list[str] = []
    unchecked: dict[str, str] = {}
    for code, check in checks.CHECKS.items():
        for answer in check(record):
            match answer:
                case Unchecked(reason):
                    unchecked[code] = reason
                case Note(text):
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
    causes: list[Finding] = []
    beneath: dict[int, list[Finding]] = {}
    for finding in ordered:
        cause = next((n for n, each in enumerate(causes) if explains(each, finding)), None)
        if cause is None:
            causes.append(finding)
        else:
            beneath.setdefault(cause, []).append(finding)
    return [
        dataclasses.replace(cause, symptoms=tuple(beneath.get(number, ())))
        for number, cause in enumerate(causes)
    ]


def explains(cause: Finding, finding: Finding) -> bool:
    """Return whether one finding accounts for another."""
    if cause.fault == finding.fault:
        return cause.where == finding.where
    first, second = FAULTS[cause.fault], FAULTS[finding.fault]
    if finding.fault in checks.EXPLAINS.get(cause.fault, ()):
        return True
    return cause.severity == "error" and first.stage in CAUSES and second.rank > first.rank


def _order(finding: Finding) -> tuple[bool, int, float]:
    return (finding.severity != "error", FAULTS[finding.fault].rank, -finding.confidence)
