"""Steps that are too short to get anywhere."""

import math
from collections.abc import Iterator

import numpy as np

from thalweg.doctor._finding import Finding, Remedy
from thalweg.doctor.checks._check import Answer, Unchecked, check
from thalweg.doctor.checks.reading import _outcome
from thalweg.doctor.checks.reading._progress import losses, slope_and_noise
from thalweg.doctor.record import Record

# All steps together, were they all in one direction, move the weights by less than a third of
# their size: the network is still the one that was initialized.
SHORT_PATH = 0.35
# Usual steps are a thousandth of the weights or more; with those, the training is just short.
SHORT_STEP = 1e-3
# Of the first loss, or that of a guess, so much is left at least.
LITTLE_LEARNED = 0.8
# With less, a change of all weights by their own size would not change the loss by a hundredth:
# then there is no gradient, and the rate is not to blame.
SOME_GRADIENT = 1e-2
# Layers that move so much less than the liveliest are cut off from the loss, not in a hurry.
MOST_UNEQUAL = 30.0
FEWEST = 50
# A rate that still rises may be a warm-up that goes on after the watch.
LONGEST_WARMUP = 200


@check("lr-too-low", explains=("plateau", "underfitting"))
def check_lr_too_low(record: Record) -> Iterator[Answer]:
    """Find trainings whose steps together hardly move the weights."""
    left = _outcome.remaining(record)
    moves = _outcome.relative_steps(record)
    if left is None or not moves or len(record.steps) < FEWEST:
        yield Unchecked("too few steps, or a loss whose floor is unknown")
        return
    shares = [share for _, share in moves]
    path = float(np.mean(shares)) * len(record.steps)
    rates = [row.rate for row in record.steps]
    is_warming = rates[-1] > rates[-len(rates) // 4] and len(rates) < LONGEST_WARMUP
    # A schedule that ends early is another fault, where its first steps were of usual length.
    was_longer = max(rates[: len(rates) // 2]) > 2 * rates[-1] and max(shares) > SHORT_STEP
    if path > SHORT_PATH or float(np.median(shares)) > SHORT_STEP or left < LITTLE_LEARNED:
        return
    if is_warming or was_longer or not _is_steady(record) or not _has_gradient(record, path):
        return
    rate = _outcome.peak_rate(record)
    yield Finding(
        fault="lr-too-low",
        where="loop",
        severity="error",
        confidence=0.85,
        evidence={
            "learning rate": rate,
            "step as share of the weights": float(np.median(shares)),
            "all steps as share of the weights": path,
            "loss": _outcome.rounded(losses(record, None)),
            "share of the loss that is left": left,
        },
        remedy=Remedy(
            f"Raise the learning rate by ten or more: lr={rate * 10:.1g} in place of "
            f"lr={rate:.3g}, and look what the schedule makes of it.",
            lambda config: {"learning_rate": config.learning_rate * 10},
        ),
    )


def _has_gradient(record: Record, path: float) -> bool:
    """Return whether all layers get their gradient, so that longer steps would move them all."""
    shares: dict[str, list[float]] = {}
    first: dict[str, float] = {}
    for _, motions in _outcome.matrices(record):
        for name, motion in motions.items():
            # Of what begins at zero, every step is a large share.
            if first.setdefault(name, motion.weight) > 0 and math.isfinite(motion.update):
                shares.setdefault(name, []).append(motion.update / first[name])
    liveliest = max(float(np.mean(each)) for each in shares.values()) * len(record.steps)
    return liveliest < MOST_UNEQUAL * path and _pull(record) > SOME_GRADIENT


def _pull(record: Record) -> float:
    """Return how much of the loss a change of the weights by their own size could be worth."""
    found = []
    for sample in record.samples:
        if not sample.losses or sample.losses[0].value <= 0:
            continue
        pulls = 0.0
        for name, motion in sample.parameters.items():
            if motion.gradient is not None and _outcome.is_matrix(record, name):
                pulls += motion.gradient * motion.weight * np.prod(record.parameters[name].shape)
        found.append(float(pulls) / sample.losses[0].value)
    return float(np.median(found)) if found else 1.0


def _is_steady(record: Record) -> bool:
    """Return whether the loss falls as fast late as early, or too slowly to be told from noise.

    A fit that is good already slows down instead.
    """
    series = losses(record, None)
    early = slope_and_noise(series[: len(series) // 2])
    late = slope_and_noise(series[len(series) // 2 :])
    if early.significance > -_outcome.NO_TREND:
        return True
    # A schedule makes later steps shorter or longer, and the fall with them.
    rates = [row.rate for row in record.steps if math.isfinite(row.rate)]
    before, after = sum(rates[: len(rates) // 2]), sum(rates[len(rates) // 2 :])
    return late.slope * before < 0.3 * early.slope * after
