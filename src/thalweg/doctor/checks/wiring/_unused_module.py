"""Modules that forward never calls."""

from collections.abc import Iterator

from thalweg.doctor._finding import Finding, Remedy
from thalweg.doctor.checks._check import Answer, Note, Unchecked, check
from thalweg.doctor.checks.reading import _reach
from thalweg.doctor.record import Record


# The layers around what is left out stand in a row, as they were not meant to.
@check("unused-module", explains=("missing-nonlinearity", "input-ignored"))
def check_unused_module(record: Record) -> Iterator[Answer]:
    """Find modules with weights to train that are never called, nor their weights read."""
    if not record.samples:
        yield Unchecked("no step was looked at")
        return
    if not any(facts.calls for facts in record.modules.values()):
        yield Unchecked(f"calls of modules are not seen: {record.limits.get('modules', 'none')}")
        return
    idle = [name for name in _reach.untouched(record) if _is_idle(record, name)]
    if not idle:
        return
    parts = _reach.covering(record, idle)
    if _reach.is_trained_before(record, idle):
        yield Note(f"{_reach.shortened(list(parts))} is never called; it looks trained before.")
        return
    where = _reach.shortened(list(parts))
    yield Finding(
        fault="unused-module",
        where=where,
        severity="error",
        confidence=0.99,
        evidence={
            "calls": 0,
            "parameters": len(idle),
            "weights": _reach.entries(record, idle),
            "steps": len(record.steps),
            "steps looked at": len(record.samples),
        },
        remedy=Remedy(f"Call {where} in forward, or remove it from the network."),
    )


def _is_idle(record: Record, name: str) -> bool:
    path = _reach.owner(record, name)
    root = next((each for each in ("", name.split(".")[0]) if each in record.modules), "")
    # A whole network that is called only while gradients are off is not seen in detail.
    inside = [
        facts
        for other, facts in record.modules.items()
        if other == root or not root or other.startswith(f"{root}.")
    ]
    return any(map(_reach.is_called, inside)) and not _reach.is_called(record.modules.get(path))
