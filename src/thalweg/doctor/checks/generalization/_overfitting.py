"""Validation that gets worse while training goes on to improve."""

import math
from collections.abc import Iterator

import numpy as np

from thalweg.doctor._finding import Finding, Remedy
from thalweg.doctor.checks._check import Answer, Note, Unchecked, check
from thalweg.doctor.checks.reading import _outcome
from thalweg.doctor.checks.reading._progress import losses, start_and_end, uninformed
from thalweg.doctor.record import Evaluation, Record

FEWEST_PASSES = 5
# Validation has risen where its last passes lie above its best by so much of the best, by so
# much of all that it had gained, and by so many of its standard deviations from pass to pass.
RISE_OF_BEST = 0.05
RISE_OF_GAIN = 0.1
RISE_OF_NOISE = 4.0
# Meanwhile the training loss fell by at least this share.
FALL_OF_TRAINING = 0.15


@check("overfitting")
def check_overfitting(record: Record) -> Iterator[Answer]:
    """Find where validation turned while the training loss went on to fall."""
    passes = [each for each in record.evaluations if each.step > 0 and _loss(each) is not None]
    is_mixed = any(len(sample.losses) > 1 for sample in record.samples)
    if len(passes) < FEWEST_PASSES or is_mixed or not _outcome.has_one_loss(record):
        yield Unchecked("validation was not seen five times with its loss")
        return
    values = np.asarray([_loss(each) for each in passes])
    smooth = np.convolve(values, np.ones(3) / 3, mode="valid")
    best = int(smooth.argmin()) + 1
    last = float(np.median(values[-3:]))
    rise = last - float(smooth.min())
    noise = 1.4826 * float(np.median(np.abs(np.diff(values, 2)))) / math.sqrt(6)
    series = losses(record, None)
    guess = uninformed(record)
    start = series[0] if guess is None else min(series[0], guess)
    gain = start - float(smooth.min())
    is_rise = rise > RISE_OF_BEST * smooth.min() and rise > RISE_OF_NOISE * noise
    if not is_rise or rise < RISE_OF_GAIN * gain or best > len(passes) - 3:
        return
    fall = _fall_since(record, passes[best].step)
    if fall < FALL_OF_TRAINING:
        return
    if _accuracy_still_rises(passes, best):
        yield Note("validation loss rises while its accuracy still improves")
        return
    yield Finding(
        fault="overfitting",
        where="validation",
        severity="warning",
        confidence=0.9,
        evidence={
            "validation loss": _outcome.rounded(values.tolist(), 12),
            "best after steps": passes[best].step,
            "rise since": rise,
            "its noise": noise,
            "training loss at the end": start_and_end(series)[1],
            "fall of the training loss since": fall,
        },
        remedy=Remedy(
            f"Stop after some {passes[best].step} steps and keep the weights of that moment; "
            "then more data, augmentation, dropout or weight_decay=0.1 in AdamW.",
            lambda config: {"patience": 3},
        ),
    )


def _loss(each: Evaluation) -> float | None:
    return each.loss if each.loss is not None and math.isfinite(each.loss) else None


def _fall_since(record: Record, step: int) -> float:
    """Return the share of the training loss around a step that is gone at the end."""
    rows = [row for row in record.steps if math.isfinite(row.loss)]
    width = max(3, len(rows) // 10)
    around = [row.loss for row in rows if abs(row.step - step) <= width]
    end = [row.loss for row in rows[-width:]]
    before = float(np.mean(around)) if around else 0.0
    return (before - float(np.mean(end))) / before if before > 0 else 0.0


def _accuracy_still_rises(passes: list[Evaluation], best: int) -> bool:
    found = [each.accuracy for each in passes if each.accuracy is not None]
    found = found[max(best, len(found) // 2) :]
    if len(found) < 4:
        return False
    half = len(found) // 2
    noise = float(np.std(np.diff(found))) / math.sqrt(2 * half)
    return float(np.mean(found[half:]) - np.mean(found[:half])) > max(0.01, 2 * noise)
