"""Batch normalization over too few numbers."""

from collections.abc import Iterator

import numpy as np

from thalweg.doctor._finding import Finding, Remedy
from thalweg.doctor.checks._check import Answer, check
from thalweg.doctor.checks.reading import _progress
from thalweg.doctor.record import Record

# Of two numbers, normalized, one is 1 and the other −1, whatever they were; of four, the
# deviation is off by a third. From sixteen on, the noise does no more than dropout would.
FEWEST_NUMBERS = 4
FEW_NUMBERS = 16
# So few examples share an image's statistics: more numbers come from places, but those of one
# image are alike, and what tells images apart goes with their means.
FEW_EXAMPLES = 2
# Validation with the running statistics costs so much more than training with the batch's.
WORSE = 1.5
FEWEST_STEPS = 20


@check("batch-norm-small-batch", explains=("overfitting", "plateau", "underfitting", "lr-too-high"))
def check_batch_norm_small_batch(record: Record) -> Iterator[Answer]:
    """Count the numbers that each channel is normalized by."""
    numbers = _numbers(record)
    if not numbers or len(record.steps) < FEWEST_STEPS:
        return
    path = min(numbers, key=lambda each: numbers[each])
    gap = _gap(record)
    is_hurt = gap is not None and gap > WORSE
    is_tiny = numbers[path] <= FEWEST_NUMBERS
    if not is_tiny and not (is_small(record) and (is_hurt or not _progress.is_learning(record))):
        return
    evidence = {"numbers per channel": numbers[path], "examples per batch": _examples(record)}
    if gap is not None:
        evidence["validation loss by training loss"] = gap
    yield Finding(
        fault="batch-norm-small-batch",
        where=path,
        severity="error",
        confidence=0.9 if is_tiny else 0.75,
        evidence=evidence,
        remedy=Remedy(
            "Train with batches of 16 or more, or normalize each example by itself: "
            "nn.GroupNorm(8, channels) for nn.BatchNorm2d(channels), nn.LayerNorm for "
            "nn.BatchNorm1d. Accumulated gradients do not help: each part has its own statistics."
        ),
    )


def is_small(record: Record) -> bool:
    """Return whether some batch normalization has few numbers, or few examples, to go by."""
    numbers = _numbers(record)
    is_few = bool(numbers) and min(numbers.values()) < FEW_NUMBERS
    return is_few or (bool(numbers) and 0 < _examples(record) <= FEW_EXAMPLES)


def _numbers(record: Record) -> dict[str, float]:
    """Return by batch normalization, how many numbers each channel is normalized by."""
    rows: dict[str, list[int]] = {}
    for sample in record.samples:
        for path, activity in sample.modules.items():
            if activity.is_training and activity.rows:
                rows.setdefault(path, []).append(activity.rows)
    return {path: float(np.median(each)) for path, each in rows.items()}


def _examples(record: Record) -> float:
    sizes = [row.examples / row.forwards for row in record.steps if row.forwards and row.examples]
    return float(np.median(sizes)) if sizes else 0.0


def _gap(record: Record) -> float | None:
    """Return the last validation losses by the training losses of the time."""
    passes = [each.loss for each in record.evaluations if each.loss is not None]
    series = _progress.losses(record)
    if not passes or not series:
        return None
    _, last = _progress.start_and_end(series)
    return float(np.median(passes[-3:])) / last if last > 0 else None
