"""Gradients that nobody clears."""

from collections.abc import Iterator

from thalweg.doctor._finding import Finding, Remedy
from thalweg.doctor.checks._check import Answer, Unchecked, check
from thalweg.doctor.record import Record

# Clearing only now and then, say once per epoch, piles up too; a loop that clears in most steps
# may have its reasons for the rest.
MOST_STALE = 0.5
FEWEST_STEPS = 4


@check("missing-zero-grad", explains=("stale-forward", "loss-scale"))
def check_missing_zero_grad(record: Record) -> Iterator[Answer]:
    """Find optimizers that step along gradients which they have used before.

    Gathering gradients over several backward passes is none of this: there, what the last step
    used was cleared before the first of them.
    """
    if len(record.steps) < FEWEST_STEPS:
        yield Unchecked("fewer than four steps were seen")
        return
    for number, optimizer in enumerate(record.optimizers):
        rows = [row for row in record.steps if row.optimizer == number]
        stale = sum(row.is_stale and row.own_backwards > 0 for row in rows)
        if len(rows) < FEWEST_STEPS or stale <= MOST_STALE * len(rows):
            continue
        of = f"optimizer {number + 1}" if len(record.optimizers) > 1 else "optimizer"
        yield Finding(
            fault="missing-zero-grad",
            where="loop" if len(record.optimizers) == 1 else f"loop, {of}",
            severity="error",
            confidence=0.99,
            evidence={"optimizer": optimizer.kind, "steps": len(rows), "stale steps": stale},
            remedy=Remedy(
                f"Call zero_grad() of {of} in every step, before loss.backward(): "
                "optimizer.zero_grad()."
            ),
        )
