"""Labels that have nothing, or too little, to do with the examples."""

import math
from collections.abc import Iterator

import numpy as np

from thalweg.doctor._finding import Finding, Remedy
from thalweg.doctor._record import Record
from thalweg.doctor.checks import _progress, _seen
from thalweg.doctor.checks._check import Answer, Unchecked, check

FEWEST_STEPS = 60
FEWEST_PASSES = 3
# A loss this near to a guess's has learned nothing.
NOTHING = 0.97
# What is learned by heart makes the training loss fall beyond noise nonetheless.
BEYOND_NOISE = 4.0
# With labels that are wrong at random, a network errs as often where it is sure as where it is
# not; with hard examples among easy ones it is right in nearly all of which it is sure.
MOST_RIGHT = 0.86
MOST_GAIN = 1.25
# Beyond the commonest class's share, so that something was learned at all.
LEARNED = 1.15
FEWEST_ANSWERS = 150
# Who is still learning may yet become sure.
LATE = 0.5


@check("label-noise", explains=("overfitting", "plateau", "underfitting", "lr-too-low"))
def check_label_noise(record: Record) -> Iterator[Answer]:
    """Ask whether labels can be learned only by heart, and whether sure answers are right."""
    if len(record.steps) < FEWEST_STEPS or len({row.optimizer for row in record.steps}) > 1:
        yield Unchecked("too few steps, or several optimizers")
        return
    found = _by_heart(record) or _as_wrong_where_sure(record)
    if found is not None:
        yield found


def _by_heart(record: Record) -> Finding | None:
    """Find training that gains only what it has seen before, and validation that gains nothing.

    In the first pass, each example is new: labels that go with the examples make the loss fall
    there already.
    """
    guess = _progress.uninformed(record)
    passes = [each for each in record.evaluations if each.loss is not None]
    series = _progress.losses(record)
    if guess is None or guess <= 0 or len(passes) < FEWEST_PASSES or not series:
        return None
    losses = [each.loss for each in passes if each.loss is not None]
    if not all(math.isfinite(each) for each in losses) or min(losses) < NOTHING * guess:
        return None
    first = [row.loss for row in record.steps if row.step <= passes[0].step]
    first = [each for each in first if math.isfinite(each)]
    late = first[len(first) // 2 :]
    if len(late) < 3 or float(np.mean(late)) < NOTHING * guess - _error(late):
        return None
    trend = _progress.slope_and_noise(series[len(first) // 2 :])
    if trend.significance > -BEYOND_NOISE or losses[-1] < losses[0]:
        return None
    return _finding(
        0.9,
        {
            "loss of a guess": guess,
            "training loss in the first pass": float(np.mean(first)),
            "training loss at the end": _progress.start_and_end(series)[1],
            "validation loss": [round(each, 4) for each in (losses[0], losses[-1])],
        },
        "Check that inputs and labels still belong together: print some pairs as the loop gets "
        "them; shuffle both with one order, x, y = x[order], y[order]; look for a skipped line.",
    )


def _error(series: list[float]) -> float:
    return float(np.std(series)) / math.sqrt(len(series))


def _as_wrong_where_sure(record: Record) -> Finding | None:
    """Find answers that are wrong as often where the network is sure as elsewhere."""
    for where, right, counts in (_in_validation(record), _in_training(record)):
        total = sum(counts)
        if total < FEWEST_ANSWERS or len(right) != 4:
            continue
        overall, commonest = float(np.mean(right)), max(counts) / total
        is_learned = overall > LEARNED * commonest
        middle = (right[1] + right[2]) / 2
        if is_learned and right[3] < MOST_RIGHT and right[3] < MOST_GAIN * middle:
            if not _has_settled(record):
                continue
            return _finding(
                0.8,
                {
                    f"right answers in {where}, least to most sure": [round(r, 3) for r in right],
                    "share of the commonest class": commonest,
                    "answers": total,
                },
                "Look at the examples with the largest loss, losses.topk(50), and correct or drop "
                "those with wrong labels; label_smoothing=0.1 in cross_entropy makes the rest "
                "do less harm.",
            )
    return None


def _in_validation(record: Record) -> tuple[str, list[float], list[int]]:
    last = next((each for each in reversed(record.evaluations) if each.sure_right), None)
    return ("validation", last.sure_right, last.counts) if last else ("validation", [], [])


def _in_training(record: Record) -> tuple[str, list[float], list[int]]:
    last = record.steps[-1].step
    found = [(step, losses[0]) for step, losses in _seen.losses(record)]
    late = [loss for step, loss in found if loss.sure_right and step > LATE * last]
    if not late:
        return "training", [], []
    counts = [sum(each) for each in zip(*(loss.counts for loss in late), strict=False)]
    return "training", np.mean([loss.sure_right for loss in late], axis=0).tolist(), counts


def _has_settled(record: Record) -> bool:
    """Return whether the loss gains next to nothing any more."""
    series = _progress.losses(record)
    tail = series[len(series) // 2 :]
    trend = _progress.slope_and_noise(tail)
    first, last = _progress.start_and_end(series)
    return abs(trend.slope) * len(tail) < 0.15 * abs(first - last)


def _finding(confidence: float, evidence: dict, remedy: str) -> Finding:
    return Finding(
        fault="label-noise",
        where="targets",
        severity="error",
        confidence=confidence,
        evidence=evidence,
        remedy=Remedy(remedy),
    )
