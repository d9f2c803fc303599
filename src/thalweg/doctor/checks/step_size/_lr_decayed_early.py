"""Schedules that end before the training does."""

from collections.abc import Iterator

import numpy as np

from thalweg.doctor._finding import Finding, Remedy
from thalweg.doctor.checks._check import Answer, Unchecked, check
from thalweg.doctor.checks.reading import _outcome
from thalweg.doctor.checks.reading._progress import losses, slope_and_noise
from thalweg.doctor.record import Record

# The schedule has ended in effect where so small a share of the highest rate is left.
NEARLY_NOTHING = 0.05
# A cosine has come there after six sevenths of its steps, steps of a tenth with the second one.
EARLY = 0.4
# Of the first loss, or that of a guess, so much is left at least.
POOR = 0.6
FEWEST = 50


@check(
    "lr-decayed-early",
    explains=("plateau", "underfitting", "lr-too-low", "vanishing-gradient", "label-noise"),
)
def check_lr_decayed_early(record: Record) -> Iterator[Answer]:
    """Find rates that are gone while the loss was still falling."""
    left = _outcome.remaining(record)
    rates = np.asarray([row.rate for row in record.steps])
    if left is None or len(rates) < FEWEST or not np.isfinite(rates).all() or rates.max() <= 0:
        yield Unchecked("too few steps, or a loss whose floor is unknown")
        return
    end = int(np.flatnonzero(rates > NEARLY_NOTHING * rates.max()).max()) + 1
    if end > EARLY * len(rates) or left < POOR:
        return
    series = losses(record, None)
    if not _was_falling(series, end):
        return
    peak = float(rates.max())
    yield Finding(
        fault="lr-decayed-early",
        where="loop",
        severity="error",
        confidence=0.9,
        evidence={
            "highest rate": peak,
            "rate over the rest": float(np.median(rates[end:])),
            "step at which the schedule had ended": end,
            "steps": len(rates),
            "loss": _outcome.rounded(series, 12),
            "share of the loss that is left": left,
        },
        remedy=Remedy(
            f"Let the schedule last for all {len(rates)} steps: count its length in the unit in "
            "which scheduler.step() is called, batches or epochs.",
            lambda config: {"schedule_options": {}},
        ),
    )


def _was_falling(series: list[float], end: int) -> bool:
    """Return whether the loss was on its way down until the schedule ended.

    A few steps show no trend; nobody knows then where they would have led.
    """
    before = series[max(0, end // 2) : end]
    if len(before) < 24:
        return True
    return slope_and_noise(before).significance < -_outcome.NO_TREND + 1
