"""Gradients that nobody clears."""

from collections.abc import Iterator

from thalweg.doctor._finding import Finding, Remedy
from thalweg.doctor._record import Record
from thalweg.doctor.checks._check import Answer, check

# Clearing only now and then, say once per epoch, piles up too; a loop that clears in most steps
# may have its reasons for the rest.
MOST_STALE = 0.5
FEWEST_STEPS = 4


@check("missing-zero-grad", explains=("stale-forward", "loss-scale"))
def check_missing_zero_grad(record: Record) -> Iterator[Answer]:
    """Find optimizers that step along gradients which they have used before."""
    for number, optimizer in enumerate(record.optimizers):
        rows = [row for row in record.steps if row.optimizer == number]
        stale = sum(row.is_stale for row in rows)
        if len(rows) >= FEWEST_STEPS and stale > MOST_STALE * len(rows):
            yield Finding(
                fault="missing-zero-grad",
                where="loop",
                severity="error",
                confidence=0.99,
                evidence={"optimizer": optimizer.kind, "steps": len(rows), "stale steps": stale},
                remedy=Remedy("Call optimizer.zero_grad() before loss.backward() in every step."),
            )
