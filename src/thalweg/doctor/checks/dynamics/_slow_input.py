"""A device that waits for its data."""

from collections.abc import Iterator

import numpy as np

from thalweg.doctor._finding import Finding, Remedy
from thalweg.doctor.checks._check import Answer, Unchecked, check
from thalweg.doctor.record import Record

# Of the time, so much goes into waiting for batches: training would be twice as fast without.
MOST_WAITING = 0.5
# Seconds per example. To pick one from memory and put it into a batch takes a loader some ten
# microseconds; toy networks are as fast, which nobody needs to hear.
SLOW = 5e-5
# Seconds per batch that its way from another process may take, whatever is in it.
PASSAGE = 5e-3
FEWEST_STEPS = 20


@check("slow-input")
def check_slow_input(record: Record) -> Iterator[Answer]:
    """Compare the time spent waiting for loaders with that of whole steps."""
    if not record.loaders:
        yield Unchecked("the loop draws its batches without a DataLoader")
        return
    rows = [row for row in record.steps if row.seconds > 0]
    if len(rows) < FEWEST_STEPS:
        yield Unchecked("too few steps were seen")
        return
    waiting = np.array([row.waiting for row in rows])
    whole = np.array([row.seconds for row in rows])
    examples = np.array([row.examples for row in rows])
    # The first batch of each pass waits for workers to start and files to open, and steps with a
    # validation pass are longer; both are few. The slowest go, as many as passes were begun.
    begun = min(sum(each.iterators for each in record.loaders), len(rows) // 4)
    kept = np.argsort(whole)[: len(rows) - begun]
    share = float(waiting[kept].sum() / whole[kept].sum())
    each = float(waiting[kept].sum() / max(1, examples[kept].sum()))
    workers = max(loader.workers for loader in record.loaders)
    is_passage = workers > 0 and float(np.median(waiting[kept])) < PASSAGE
    if share > MOST_WAITING and each > SLOW and not is_passage:
        yield Finding(
            fault="slow-input",
            where="loader",
            severity="warning",
            confidence=0.9,
            evidence={
                "share of time waiting": share,
                "milliseconds per example": 1e3 * each,
                "milliseconds per step": 1e3 * float(np.median(whole)),
                "workers": workers,
            },
            remedy=Remedy(
                "Prepare the data once, before the loop, and keep the result in memory; or load "
                f"in parallel: DataLoader(…, num_workers={max(4, 2 * workers)}, "
                "persistent_workers=True, pin_memory=True)."
            ),
        )
