"""Steps that are too long."""

import math
from collections.abc import Iterator

import numpy as np

from thalweg.doctor._finding import Finding, Remedy
from thalweg.doctor.checks._check import Answer, Unchecked, check
from thalweg.doctor.checks.dynamics._exploding_gradient import TOO_MUCH
from thalweg.doctor.checks.dynamics._over_regularized import check_over_regularized
from thalweg.doctor.checks.reading import _outcome
from thalweg.doctor.checks.reading._progress import (
    losses,
    slope_and_noise,
    smoothed,
    start_and_end,
    uninformed,
)
from thalweg.doctor.checks.reading._stakes import first_loss, shared, stakes
from thalweg.doctor.record import Record

# A step of half the weights' own size leaves little of what initialization made; usual steps
# are a hundredth of that.
OVERWRITES = 0.5
OVERWRITES_A_GOOD_PART = 0.2
# Late in training usual steps are a thousandth to a hundredth of the weights.
LONG = 0.05
# A step longer than the weights may overflow at once, before a loss shows it.
RUNAWAY = 2.0
# Steps that are so long to the end are evidence enough where little was learned.
VERY_LONG = 0.1
STUCK = 0.6
# The loss has jumped or risen, beyond any noise, where it is so many times the first.
RISE = 1.3
RISE_ON_AVERAGE = 1.05
# Of the first loss, or that of a guess, so much is left where something is wrong enough to look
# for a cause; a good fit excuses a rough start.
POOR = 0.25
# With nothing learned the case is clear.
NOTHING_LEARNED = 0.9
# Validation on the same examples has no noise of its own: jumps of this share, back and forth,
# come from the weights.
BOUNCE = 0.08
FEWEST = 10


@check(
    "lr-too-high",
    explains=(
        *("non-finite", "exploding-gradient", "dead-units", "saturated-units", "plateau"),
        *("vanishing-gradient", "underfitting", "overfitting", "batch-norm-small-batch"),
    ),
)
def check_lr_too_high(record: Record) -> Iterator[Answer]:
    """Find steps that overwrite the weights, overshoot, or bounce."""
    moves = _outcome.relative_steps(record)
    series = losses(record, None)
    if len({row.optimizer for row in record.steps}) > 1:
        yield Unchecked("the losses of several optimizers push each other up and down")
        return
    if not series or not moves:
        yield Unchecked("no step's length was seen")
        return
    if _outcome.grows_longer(record):
        yield Unchecked("steps go through the network more and more often, and losses add up")
        return
    found = _diverged(record, series, moves)
    if found is None and len(series) < FEWEST:
        yield Unchecked("too few steps")
        return
    found = found or _overwritten(record, series, moves) or _bouncing(record, series, moves)
    if found is None or _explodes_unaided(record):
        return
    left = _outcome.remaining(record)
    is_clear = left is None or left > NOTHING_LEARNED
    rate = _outcome.peak_rate(record)
    yield Finding(
        fault="lr-too-high",
        where="loop",
        severity="error",
        confidence=0.9 if is_clear else 0.75,
        evidence={"learning rate": rate, "loss": _outcome.rounded(series), **found},
        remedy=Remedy(
            f"Lower the learning rate: lr={rate / 10:.1g} in place of lr={rate:.3g}.",
            lambda config: {"learning_rate": config.learning_rate / 10},
        ),
    )


def _explodes_unaided(record: Record) -> bool:
    """Return whether gradients ran away in time before any step was made, at whatever rate."""
    loss, often = first_loss(record), shared(record)
    return loss is not None and any(
        stake > TOO_MUCH and name in often
        for sample in record.samples[:1]
        if sample.step == 1
        for name, stake in stakes(record, sample, loss).items()
    )


def _diverged(record: Record, series: list[float], moves: list) -> dict | None:
    """Return evidence that the loss ran away under long steps."""
    lost = sum(not math.isfinite(row.loss) for row in record.steps)
    longest = max(share for _, share in moves)
    risen = max(series) if lost else start_and_end(series)[1]
    has_risen = series[0] > 0 and risen > RISE**2 * series[0]
    if longest < OVERWRITES and risen < STUCK * smoothed(series)[0]:
        # It rose before steps could do that, as where a memory fills, and has fallen ever since.
        has_risen = False
    if not has_risen and longest > LONG:
        risen, has_risen = _spike(record, series)
    if (longest > LONG and has_risen) or (lost and longest > RUNAWAY):
        return {
            "first loss": series[0],
            "later loss": risen,
            "losses lost to overflow": lost,
            "longest step as share of the weights": longest,
        }
    return None


def _spike(record: Record, series: list[float]) -> tuple[float, bool]:
    """Return the highest loss, and whether the training never came back from there.

    Nor where the loss is lost again that had been gained, as when units die of a long step.
    """
    left = _outcome.remaining(record)
    if left is None or left < STUCK or len(series) < FEWEST:
        return max(series), False
    highest, guess = _highest(series), uninformed(record)
    if highest > RISE**2 * max(series[0], guess or 0.0):
        return highest, True
    start = series[0] if guess is None else min(series[0], guess)
    was_better = min(smoothed(series)) < STUCK * start
    return max(series), was_better and start_and_end(series)[1] > NOTHING_LEARNED * start


def _highest(series: list[float]) -> float:
    """Return the highest loss, single spikes left out."""
    return max(float(np.median(series[place : place + 3])) for place in range(len(series) - 2))


def _overwritten(record: Record, series: list[float], moves: list) -> dict | None:
    """Return evidence that early steps replaced the weights, and that it did harm."""
    longest = max((share for step, share in moves if step <= 5), default=0.0)
    left = _outcome.remaining(record)
    early = series[1 : max(8, len(series) // 10)]
    highest = _highest(early)
    if longest < OVERWRITES_A_GOOD_PART or left is None or left < POOR:
        return None
    if longest < OVERWRITES:
        # What rises at once above a guess and the first loss, and never learns, was thrown out.
        top = max(series[0], uninformed(record) or series[0])
        if left < NOTHING_LEARNED or float(np.mean(early)) < RISE_ON_AVERAGE * top:
            return None
    if highest > RISE * series[0] or left > NOTHING_LEARNED:
        return {
            "first loss": series[0],
            "loss soon after": highest,
            "early step as share of the weights": longest,
            "share of the loss that is left": left,
        }
    return None


def _bouncing(record: Record, series: list[float], moves: list) -> dict | None:
    """Return evidence that long steps go back and forth and get nowhere."""
    middle = record.steps[len(record.steps) // 2].step
    late = float(np.median([share for step, share in moves if step >= middle] or [0.0]))
    left = _outcome.remaining(record)
    if late < LONG or left is None or left < POOR:
        return None
    if slope_and_noise(series[len(series) // 2 :]).significance < -_outcome.NO_TREND:
        return None
    passes = [each.loss for each in record.evaluations if each.loss is not None]
    recent = np.asarray(passes[len(passes) // 2 :])
    evidence = {"late step as share of the weights": late, "share of the loss that is left": left}
    if len(recent) >= 4:
        jump = float(np.median(np.abs(np.diff(recent))) / max(1e-12, np.median(recent)))
        if jump > BOUNCE:
            return {**evidence, "jump of validation from pass to pass": jump}
    is_hidden = any(isinstance(each, Finding) for each in check_over_regularized(record))
    return evidence if late > VERY_LONG and left > STUCK and not is_hidden else None
