"""How far the loss has come, told from its own noise."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from thalweg.doctor.record import LossFacts, Record

# Means of so many stretches stand for a curve: enough to see a bend, and long enough each for the
# ups and downs between neighbouring steps, which are not independent, to average out.
STRETCHES = 16
# Fewer losses than this show noise and no trend.
FEWEST = 8
# The loss has fallen beyond noise where chance would give such a fall once in 30,000 runs.
BEYOND_NOISE = 4.0
# Of what an uninformed guess loses, this much at least must be gone before anything is learned
# that is worth the name; output biases alone reach the uninformed guess itself.
SMALLEST_FALL = 0.05
# Of what training has gained, validation must have gained this much to have followed.
FOLLOWS = 0.25


@dataclass(frozen=True)
class Trend:
    """A straight line through a series, and how far the series strays from it."""

    slope: float
    """Per step; negative where the series falls."""
    error: float
    """Standard error of the slope, found from means of stretches, so that neighbours may be
    alike."""
    noise: float
    """Standard deviation from one step to the next, whatever the trend; robust to spikes."""
    level: float
    """Of the line in the middle of the series."""

    @property
    def significance(self) -> float:
        """The slope in its standard errors; zero where there is neither."""
        return self.slope / self.error if self.error > 0 else math.copysign(math.inf, self.slope)


def losses(record: Record, optimizer: int | None = 0) -> list[float]:
    """Return the finite losses step by step.

    Args:
        record: What was seen.
        optimizer: Of the steps of this optimizer; None for all.
    """
    return [
        row.loss
        for row in record.steps
        if (optimizer is None or row.optimizer == optimizer) and math.isfinite(row.loss)
    ]


def fell(record: Record, optimizer: int = 0) -> float:
    """Return the share of the initial loss that is gone, between −1 and 1; negative if it rose.

    Losses that may be negative are measured against the larger of their two ends.
    """
    series = losses(record, optimizer)
    return share_gone(series) if len(series) > 1 else 0.0


def share_gone(series: list[float]) -> float:
    """Return by which share a series has fallen from its start to its end, as `fell` does.

    Example:
        >>> share_gone([4.0, 3.0, 2.0, 1.0])
        0.75
    """
    first, last = start_and_end(series)
    scale = max(abs(first), abs(last))
    return max(-1.0, min(1.0, (first - last) / scale)) if scale > 0 else 0.0


def start_and_end(series: list[float]) -> tuple[float, float]:
    """Return where a series begins and ends, smoothed.

    The beginning is the median of few values, for a loss falls fastest there; the end that of the
    last tenth. Single values of a short series are taken as they are.
    """
    head = max(1, min(5, len(series) // 20))
    tail = max(1, len(series) // 10)
    return float(np.median(series[:head])), float(np.median(series[-tail:]))


def smoothed(series: list[float], stretches: int = STRETCHES) -> list[float]:
    """Return the means of so many stretches of a series, spikes drawn in."""
    parts = np.array_split(np.asarray(series, dtype=float), min(stretches, max(1, len(series))))
    return [_mean(part) for part in parts if len(part)]


def _mean(part: np.ndarray) -> float:
    """Return the mean, no value counted further than five median deviations from the median."""
    middle = np.median(part)
    reach = 5 * np.median(np.abs(part - middle))
    return float(np.clip(part, middle - reach, middle + reach).mean()) if reach else float(middle)


def slope_and_noise(series: list[float]) -> Trend:
    """Return the trend of a series and its noise.

    Example:
        >>> slope_and_noise([9.0, 8.0, 7.0, 6.0, 5.0, 4.0, 3.0, 2.0]).slope
        -1.0
    """
    if len(series) < FEWEST:
        return Trend(0.0, math.inf, math.inf, float(np.mean(series)) if series else math.nan)
    steps = np.diff(np.asarray(series, dtype=float))
    # 1.4826 turns a median deviation into a standard one; a difference has twice the variance.
    noise = 1.4826 / math.sqrt(2) * float(np.median(np.abs(steps - np.median(steps))))
    count = min(STRETCHES, len(series) // 2)
    means = np.asarray(smoothed(series, count))
    places = (np.arange(count) - (count - 1) / 2) * len(series) / count
    spread = float((places**2).sum())
    slope = float((places * means).sum()) / spread
    residues = means - means.mean() - slope * places
    # Means that lie closer to the line than the noise allows do so by luck.
    variance = max(float((residues**2).sum()) / (count - 2), noise**2 * count / len(series))
    return Trend(slope, math.sqrt(variance / spread), noise, float(means.mean()))


def uninformed(record: Record, optimizer: int = 0) -> float | None:
    """Return the loss of the best constant answer; None where the loss function tells none.

    Known from the targets that were seen: the entropy of classes, the variance of numbers.
    """
    facts = [loss for sample in record.samples for loss in sample.losses]
    kinds = {loss.form or loss.kind for loss in facts}
    rows = {row.optimizer for row in record.steps}
    if len(kinds) != 1 or len(rows) > 1 or optimizer not in rows:
        return None
    if any(loss.is_weighted or loss.reduction not in ("mean", "none") for loss in facts):
        return None
    return _uninformed(next(iter(kinds)), facts)


def _uninformed(kind: str, facts: list[LossFacts]) -> float | None:
    if kind in ("cross_entropy", "nll_loss"):
        classes = max((len(loss.counts) for loss in facts), default=0)
        counts = np.zeros(classes)
        for loss in facts:
            counts[: len(loss.counts)] += loss.counts
        return entropy(counts) if counts.sum() > 0 else None
    targets = [loss.target for loss in facts if loss.target is not None]
    if not targets:
        return None
    mean = float(np.mean([each.mean for each in targets]))
    if kind in ("binary_cross_entropy", "binary_cross_entropy_with_logits"):
        return entropy([mean, 1 - mean]) if 0 <= mean <= 1 else None
    if kind in ("mse_loss", "squared error"):
        return float(np.mean([each.std**2 + (each.mean - mean) ** 2 for each in targets]))
    return None


def entropy(counts: Sequence[float] | np.ndarray) -> float:
    """Return the mean loss of the best constant answer to classes that come so often."""
    shares = np.asarray(counts, dtype=float)
    shares = shares / shares.sum() if shares.sum() > 0 else shares
    some = shares[shares > 0]
    return -float((some * np.log(some)).sum()) + 0.0


def is_learning(record: Record, optimizer: int = 0) -> bool:
    """Return whether the loss fell well beyond its noise, and validation, if any, followed.

    Where the loss of an uninformed guess is known, the loss must have come well below that, too:
    to fall from a bad start to a guess is no learning.
    """
    series = losses(record, optimizer)
    if len(series) < FEWEST or not _has_fallen(record, series, optimizer):
        return False
    return follows(record, series)


def _has_fallen(record: Record, series: list[float], optimizer: int) -> bool:
    first, last = start_and_end(series)
    guess = uninformed(record, optimizer)
    start = first if guess is None else min(first, guess)
    if start - last <= SMALLEST_FALL * max(abs(start), abs(last)):
        return False
    tail = np.asarray(series[-max(4, len(series) // 10) :])
    trend = slope_and_noise(series)
    # A guess is known; of a start there is one loss, which strays. The whole curve may tell, too.
    noise = math.hypot(trend.noise if guess is None else 0.0, tail.std() / math.sqrt(len(tail)))
    return start - last > BEYOND_NOISE * noise or trend.significance < -BEYOND_NOISE


def follows(record: Record, series: list[float]) -> bool:
    """Return whether validation gained a good part of what training did; True without any."""
    passes = [each for each in record.evaluations if each.loss is not None]
    found = [each.loss for each in passes if each.loss is not None and math.isfinite(each.loss)]
    if not passes:
        return True
    if not found:
        return False
    first, last = start_and_end(series)
    return first - min(found) > FOLLOWS * (first - last)
