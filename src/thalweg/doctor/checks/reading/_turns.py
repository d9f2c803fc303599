"""The order of events, from one step of an optimizer to its next."""

from collections.abc import Iterator
from dataclasses import dataclass

from thalweg.doctor.record import Record, StepRow


@dataclass(frozen=True)
class Turn:
    """What happened up to a step, since the step before of the same optimizer."""

    row: StepRow
    """Of the step."""
    order: str
    """f forward, b backward, c schedule, in order; without steps of others and evaluation."""


def turns(record: Record, optimizer: int) -> list[Turn]:
    """Return the turns of an optimizer, without its first and those with rows missing."""
    return list(_turns(record, optimizer))


def _turns(record: Record, optimizer: int) -> Iterator[Turn]:
    events, last, is_whole = "", None, False
    for row in record.steps:
        if last is not None and row.step != last + 1:
            is_whole = False
        last = row.step
        events += row.events
        if row.optimizer != optimizer:
            continue
        if is_whole:
            yield Turn(row, "".join(event for event in events if event in "fbc"))
        events, is_whole = "", True
