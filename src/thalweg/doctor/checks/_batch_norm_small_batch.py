"""Batch normalization over too few numbers."""

from collections.abc import Iterator

import numpy as np

from thalweg.doctor._finding import Finding, Remedy
from thalweg.doctor._record import Record
from thalweg.doctor.checks import _progress
from thalweg.doctor.checks._check import Answer, check

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
    norms = [path for path, facts in record.modules.items() if facts.family == "batch norm"]
    if not norms or len(record.steps) < FEWEST_STEPS:
        return
    rows: dict[str, list[int]] = {}
    for sample in record.samples:
        for path in norms:
            activity = sample.modules.get(path)
            if activity is not None and activity.is_training and activity.rows:
                rows.setdefault(path, []).append(activity.rows)
    if not rows:
        return
    numbers = {path: float(np.median(each)) for path, each in rows.items()}
    path = min(numbers, key=lambda each: numbers[each])
    sizes = [row.examples / row.forwards for row in record.steps if row.forwards and row.examples]
    examples = float(np.median(sizes)) if sizes else numbers[path]
    gap = _gap(record)
    is_hurt = gap is not None and gap > WORSE
    is_tiny = numbers[path] <= FEWEST_NUMBERS
    is_small = examples <= FEW_EXAMPLES or numbers[path] < FEW_NUMBERS
    if not is_tiny and not (is_small and (is_hurt or not _progress.is_learning(record))):
        return
    evidence = {"numbers per channel": numbers[path], "examples per batch": examples}
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


def _gap(record: Record) -> float | None:
    """Return the last validation losses by the training losses of the time."""
    passes = [each.loss for each in record.evaluations if each.loss is not None]
    series = _progress.losses(record)
    if not passes or not series:
        return None
    _, last = _progress.start_and_end(series)
    return float(np.median(passes[-3:])) / last if last > 0 else None
