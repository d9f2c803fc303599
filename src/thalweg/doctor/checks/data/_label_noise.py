"""Labels that have nothing, or too little, to do with the examples."""

import math
from collections.abc import Iterator

import numpy as np

from thalweg.doctor._finding import Finding, Remedy
from thalweg.doctor.checks._check import Answer, Unchecked, check
from thalweg.doctor.checks.initialization import _initial_loss
from thalweg.doctor.checks.reading import _capacity, _progress, _seen
from thalweg.doctor.checks.wiring import _batch_norm_small_batch
from thalweg.doctor.record import Evaluation, LossFacts, Record, Sample

FEWEST_STEPS = 60
FEWEST_PASSES = 4
# A loss this near to a guess's has learned nothing.
NOTHING = 0.97
# What is learned by heart makes the training loss fall beyond noise nonetheless, and below a
# guess's.
BEYOND_NOISE = 4.0
BELOW = 0.985
# With labels that are wrong at random, a network errs as often where it is sure as where it is
# not; with hard examples among easy ones it is right in nearly all of which it is sure.
MOST_RIGHT = 0.86
MOST_GAIN = 1.25
# Beyond the commonest class's share, an answer to a weak signal gains where it is sure.
MOST_FURTHER_GAIN = 1.6
# A network that has learned from contradictions is sure of nothing; where chances differ by nature,
# as whether a passenger lived, it is sure of some, and few answers tell badly how often rightly.
MOST_SURE = 0.82
# Beyond the commonest class's share, so that something was learned at all.
LEARNED = 1.15
FEWEST_ANSWERS = 150
QUARTERS = 4
# Who is still learning may yet become sure: in the second half, the loss falls by this share of
# its whole fall at most, or not beyond noise.
LATE = 0.5
STILL_FALLING = 0.15
NO_TREND = 3.0
# Taught with wrong labels, a network is not sure where it might be: on validation with right ones,
# it is right far more often than its probabilities say, and loses far less than in training.
UNDERRATED = 0.2
OVERRATED = 0.12
WORSE_IN_TRAINING = 1.4
AUDIT = (
    "Look at the training examples with the largest loss, losses.topk(50), and correct or drop "
    "those with wrong labels; label_smoothing=0.1 in cross_entropy makes the rest do less harm."
)


@check("label-noise", explains=("overfitting", "plateau", "underfitting", "lr-too-low"))
def check_label_noise(record: Record) -> Iterator[Answer]:
    """Ask whether labels can be learned only by heart, and whether sure answers are right."""
    if len(record.steps) < FEWEST_STEPS or len({row.optimizer for row in record.steps}) > 1:
        yield Unchecked("too few steps, or several optimizers")
        return
    if _batch_norm_small_batch.is_small(record) or _is_mostly_dead(record):
        yield Unchecked("the network cannot learn for another reason")
        return
    if "numbers that pass" in (_capacity.shortage(record) or {}):
        yield Unchecked("too little passes through the network to be sure where it might be")
        return
    times = _initial_loss.times_a_guess(record)
    if times is not None and times > _initial_loss.FAR:
        yield Unchecked("the network began sure of wrong answers, and may be so still")
        return
    if _has_many_targets(record):
        yield Unchecked("each example has many targets, some perhaps uncertain by nature")
        return
    if not all(math.isfinite(row.loss) for row in record.steps):
        yield Unchecked("NaN or infinity came into the loss")
        return
    found = _by_heart(record) or _as_wrong_where_sure(record) or _unsure_though_right(record)
    if found is not None:
        yield found


def _has_many_targets(record: Record) -> bool:
    """Return whether examples have a target at each place, as in language or segmentation."""
    return any(
        sample.inputs and len(sample.losses) == 1 and _targets(sample) > sample.inputs[0].shape[0]
        for sample in record.samples
    )


def _targets(sample: Sample) -> int:
    loss = sample.losses[0]
    return math.prod(loss.target_shape) if loss.target_type.startswith("int") else 0


def _is_mostly_dead(record: Record) -> bool:
    """Return whether most units of some layer answer nothing."""
    last = next((each.activations for each in reversed(record.samples) if each.activations), [])
    return any(each.dead > LATE * each.units for each in last)


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
    # In a small validation part, the classes have other shares, which biases alone may meet.
    best = min(guess, _progress.entropy(passes[-1].counts)) if passes[-1].counts else guess
    if not all(math.isfinite(each) for each in losses) or min(losses) < NOTHING * best:
        return None
    if _is_beyond_chance(passes[-1]):
        return None
    first = [row.loss for row in record.steps if row.step <= passes[0].step]
    first = [each for each in first if math.isfinite(each)]
    late = first[len(first) // 2 :]
    if len(late) < 3 or float(np.mean(late)) < NOTHING * guess - _error(late):
        return None
    means = _by_pass(record, [each.step for each in passes])
    end = float(np.mean(means[-2:]))
    if end > BELOW * guess or _significance(means[1:]) > -BEYOND_NOISE or losses[-1] < losses[0]:
        return None
    return _finding(
        0.9,
        {
            "loss of a guess": guess,
            "training loss in the first pass": float(np.mean(first)),
            "training loss at the end": end,
            "validation loss": [round(each, 4) for each in (losses[0], losses[-1])],
        },
        "Check that inputs and labels still belong together: print some pairs as the loop gets "
        "them; shuffle both with one order, x, y = x[order], y[order]; look for a skipped line.",
    )


def _is_beyond_chance(last: Evaluation) -> bool:
    """Return whether validation is right more often than chance gives, so that labels do tell.

    Its loss may be worse than a guess's all the same, of a network that is too sure.
    """
    total = sum(last.counts)
    if not total or len(last.predicted) != len(last.counts):
        return False
    # What answers that come so often would meet of classes that come so often, were they drawn.
    pairs = zip(last.counts, last.predicted, strict=True)
    met = sum(count * predicted for count, predicted in pairs) / total**2
    return sum(last.correct) / total > met + BEYOND_NOISE * math.sqrt(met * (1 - met) / total)


def _by_pass(record: Record, ends: list[int]) -> list[float]:
    """Return the mean training loss between validation passes.

    Where these come once in each round, the same examples are in every mean, which is why it
    strays far less than losses of batches do.
    """
    found, start = [], 0
    for end in ends:
        part = [row.loss for row in record.steps if start < row.step <= end]
        part = [each for each in part if math.isfinite(each)]
        found += [float(np.mean(part))] if part else []
        start = end
    return found


def _significance(means: list[float]) -> float:
    """Return the slope of some means in its standard errors."""
    if len(means) < FEWEST_PASSES:
        return 0.0
    places = np.arange(len(means)) - (len(means) - 1) / 2
    slope = float((places * means).sum() / (places**2).sum())
    residues = np.asarray(means) - np.mean(means) - slope * places
    error = math.sqrt(float((residues**2).sum()) / (len(means) - 2) / float((places**2).sum()))
    return slope / error if error > 0 else 0.0


def _error(series: list[float]) -> float:
    return float(np.std(series)) / math.sqrt(len(series))


def _as_wrong_where_sure(record: Record) -> Finding | None:
    """Find answers that are wrong as often where the network is sure as elsewhere."""
    for where, right, sure, counts in (_in_validation(record), _in_training(record)):
        total = sum(counts)
        if total < FEWEST_ANSWERS or len(right) != QUARTERS:
            continue
        overall, commonest = float(np.mean(right)), max(counts) / total
        chance = math.sqrt(commonest * (1 - commonest) / total)
        is_learned = overall > max(LEARNED * commonest, commonest + BEYOND_NOISE * chance)
        middle = (right[1] + right[2]) / 2
        # Who is sure of wrong answers has not been taught doubt: weights are too large, or the
        # training examples are known by heart.
        is_calibrated = float(np.mean(sure)) < overall + OVERRATED
        is_flat = right[3] < MOST_RIGHT and sure[3] < MOST_SURE
        is_flat = is_flat and right[3] < MOST_GAIN * middle
        is_flat = is_flat and right[3] - commonest < MOST_FURTHER_GAIN * (middle - commonest)
        if is_learned and is_flat and is_calibrated and _has_settled(record):
            return _finding(
                0.8,
                {
                    f"right answers in {where}, least to most sure": [round(r, 3) for r in right],
                    "share of the commonest class": commonest,
                    "answers": total,
                },
                AUDIT,
            )
    return None


def _unsure_though_right(record: Record) -> Finding | None:
    """Find a network that doubts what it knows, as contradicting labels have taught it."""
    last = next((each for each in reversed(record.evaluations) if each.sure_right), None)
    seen = _seen.losses(record)
    if last is None or last.loss is None or not seen or not _has_settled(record):
        return None
    if _is_doubt_wanted(seen):
        return None
    _, loss = _progress.start_and_end(_progress.losses(record))
    underrated = float(np.mean(last.sure_right) - np.mean(last.sureness))
    if underrated < UNDERRATED or loss < WORSE_IN_TRAINING * last.loss:
        return None
    return _finding(
        0.8,
        {
            "training loss": loss,
            "validation loss": last.loss,
            "right answers in validation": float(np.mean(last.sure_right)),
            "mean probability of these answers": float(np.mean(last.sureness)),
        },
        AUDIT,
    )


def _in_validation(record: Record) -> tuple[str, list[float], list[float], list[int]]:
    last = next((each for each in reversed(record.evaluations) if each.sure_right), None)
    if last is None:
        return "validation", [], [], []
    return "validation", last.sure_right, last.sureness, last.counts


def _in_training(record: Record) -> tuple[str, list[float], list[float], list[int]]:
    last, seen = record.steps[-1].step, _seen.losses(record)
    late = [each[0] for step, each in seen if each[0].sure_right and step > LATE * last]
    if not late or _is_doubt_wanted(seen):
        return "training", [], [], []
    counts = [sum(each) for each in zip(*(loss.counts for loss in late), strict=False)]
    right = np.mean([loss.sure_right for loss in late], axis=0).tolist()
    return "training", right, np.mean([loss.sureness for loss in late], axis=0).tolist(), counts


def _is_doubt_wanted(seen: list[tuple[int, list[LossFacts]]]) -> bool:
    """Return whether the loop mixes labels, or softens them."""
    return any(len(each) > 1 or not _is_hard(each[0]) or each[0].is_smoothed for _, each in seen)


def _is_hard(loss: LossFacts) -> bool:
    values = set(loss.target_values)
    return loss.target_type.startswith("int") or (bool(values) and values <= {0.0, 1.0})


def _has_settled(record: Record) -> bool:
    """Return whether the loss gains next to nothing any more."""
    series = _progress.losses(record)
    tail = series[len(series) // 2 :]
    trend = _progress.slope_and_noise(tail)
    first, last = _progress.start_and_end(series)
    is_slow = abs(trend.slope) * len(tail) < STILL_FALLING * abs(first - last)
    return is_slow or abs(trend.significance) < NO_TREND


def _finding(confidence: float, evidence: dict, remedy: str) -> Finding:
    return Finding(
        fault="label-noise",
        where="targets",
        severity="error",
        confidence=confidence,
        evidence=evidence,
        remedy=Remedy(remedy),
    )
