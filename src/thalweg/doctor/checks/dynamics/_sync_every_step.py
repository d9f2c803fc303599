"""A host that waits for its accelerator in every step."""

from collections.abc import Iterator

import numpy as np

from thalweg.doctor._finding import Finding, Remedy
from thalweg.doctor.checks._check import Answer, Unchecked, check
from thalweg.doctor.record import Record

# Who logs every second step waits half as often and would be told the same; one in ten is a habit
# that costs nothing.
MOST_STEPS = 0.5
FEWEST_STEPS = 20


@check("sync-every-step")
def check_sync_every_step(record: Record) -> Iterator[Answer]:
    """Count the steps in which the loop takes a number from the device."""
    if record.device == "cpu":
        yield Unchecked("there is no accelerator to wait for")
        return
    rows = [row for row in record.steps if row.backwards]
    if len(rows) < FEWEST_STEPS:
        yield Unchecked("too few steps were seen")
        return
    share = sum(row.syncs > 0 for row in rows) / len(rows)
    if share > MOST_STEPS:
        yield Finding(
            fault="sync-every-step",
            where="loop",
            severity="warning",
            confidence=0.9,
            evidence={
                "steps that wait": share,
                "waits per step": float(np.mean([row.syncs for row in rows])),
                "device": record.device,
            },
            remedy=Remedy(
                "Add up on the device, total += loss.detach(), and call .item() or print only "
                "every fiftieth step: if step % 50 == 0."
            ),
        )
