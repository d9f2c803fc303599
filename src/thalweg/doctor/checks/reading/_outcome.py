"""How a training ended, and how far it moved its weights."""

import math

import numpy as np

from thalweg.doctor.checks.reading._progress import (
    losses,
    slope_and_noise,
    smoothed,
    start_and_end,
    uninformed,
)
from thalweg.doctor.record import Motion, Record

# Trends that chance gives once in 700 runs are no trends.
NO_TREND = 3.0
# Other examples make another loss by chance; what dropout, noise or augmentation add is more.
CLEARLY_BETTER = 0.8
SQUARED = {"mse_loss", "squared error"}
# By so many times the sum of a game grows when the game does.
LONGER = 1.5
FEWEST_STEPS = 10


def has_one_loss(record: Record) -> bool:
    """Return whether one optimizer minimizes one loss, so that its curve tells of progress.

    The losses of adversaries rise and fall with each other, and one below zero has no floor.
    """
    if len({row.optimizer for row in record.steps}) != 1:
        return False
    series = losses(record, None)
    return bool(series) and min(series) >= 0


def remaining(record: Record) -> float | None:
    """Return the loss at the end, as a share of what a guess gives; if unknown, of the first.

    A network that was trained before begins far below a guess, and may stay there.

    Penalties that the loop adds are left out where the loss function was seen, and validation
    counts where it is better. None where the curve does not tell.
    """
    series = losses(record, None)
    if not has_one_loss(record) or len(series) < 4:
        return None
    guess = uninformed(record)
    start = min(series[0], start_and_end(series)[0]) if guess is None else guess
    ends = [start_and_end(series)[1], *_other_ends(record, series)]
    return min(ends) / start if start > 0 else None


def left_of_constants(record: Record) -> float | None:
    """Return the loss at the end, as a share of what the best constant for each output gives.

    Biases alone learn such constants. None where there is one output, or no squared error.
    """
    facts = [loss for sample in record.samples for loss in sample.losses]
    if not has_one_loss(record) or {each.form or each.kind for each in facts} - SQUARED:
        return None
    variances = [each.target_variance for each in facts if each.target_variance is not None]
    guess = float(np.mean(variances)) if variances else 0.0
    return start_and_end(losses(record, None))[1] / guess if guess > 0 else None


def _other_ends(record: Record, series: list[float]) -> list[float]:
    passes = [each.loss for each in record.evaluations if each.loss is not None]
    found = [float(np.median(passes[-3:]))] if passes else []
    bare = data_losses(record)
    found = [each for each in found if each < CLEARLY_BETTER * start_and_end(series)[1]]
    return found + ([float(np.median(bare[-max(3, len(bare) // 5) :]))] if bare else [])


def data_losses(record: Record) -> list[float]:
    """Return what the loss function gave in the samples, without what the loop adds."""
    return [
        sample.losses[0].value
        for sample in record.samples
        if len(sample.losses) == 1 and math.isfinite(sample.losses[0].value)
    ]


def is_flat(series: list[float]) -> bool:
    """Return whether a series has no trend beyond its noise, or none worth a fiftieth of it."""
    trend = slope_and_noise(series)
    change = abs(trend.slope) * len(series)
    return abs(trend.significance) < NO_TREND or change < 0.02 * abs(trend.level)


def grows_longer(record: Record) -> bool:
    """Return whether later steps sum over more forward passes, as longer and longer games do."""
    often = [row.forwards for row in record.steps if row.forwards]
    tenth = max(1, len(often) // 10)
    if len(often) < FEWEST_STEPS:
        return False
    first, last = float(np.median(often[:tenth])), float(np.median(often[-tenth:]))
    return min(first, last) > 1 and last > LONGER * first


def relative_steps(record: Record) -> list[tuple[int, float]]:
    """Return by sample how far a step moved the weights, as a share of their size.

    The middle one of all weight matrices that moved; vectors are left out, and whatever else
    begins at zero, where every step is large. Weights that have shrunk count as they began, for
    next to nothing every step is large, too.
    """
    first: dict[str, float] = {}
    for sample in record.samples:
        for name, motion in sample.parameters.items():
            if is_matrix(record, name):
                first.setdefault(name, motion.weight)
    found = []
    for sample in record.samples:
        shares = [
            motion.update / max(motion.weight, first[name])
            for name, motion in sample.parameters.items()
            if first.get(name, 0.0) > 0 and 0 < motion.update < math.inf
        ]
        if shares:
            found.append((sample.step, float(np.median(shares))))
    return found


def is_matrix(record: Record, name: str) -> bool:
    """Return whether this is a weight matrix or kernel."""
    return name in record.parameters and len(record.parameters[name].shape) > 1


def matrices(record: Record) -> list[tuple[int, dict[str, Motion]]]:
    """Return the motions of weight matrices by sampled step."""
    return [
        (sample.step, {n: m for n, m in sample.parameters.items() if is_matrix(record, n)})
        for sample in record.samples
    ]


def peak_rate(record: Record) -> float:
    """Return the highest learning rate that was seen."""
    return max((row.rate for row in record.steps if math.isfinite(row.rate)), default=0.0)


def rounded(series: list[float], count: int = 8) -> list[float]:
    """Return a short series for a page: means of stretches, to four digits."""
    return [float(f"{each:.4g}") for each in smoothed(series, count)]
