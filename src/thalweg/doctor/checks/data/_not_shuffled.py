"""Batches that hold one kind of example at a time."""

import math
from collections.abc import Iterator

import numpy as np

from thalweg.doctor._finding import Finding, Remedy
from thalweg.doctor.checks._check import Answer, Unchecked, check
from thalweg.doctor.checks.reading import _seen
from thalweg.doctor.checks.wiring import _batch_mixing
from thalweg.doctor.record import LossFacts, Record

FEWEST_BATCHES = 5
# Of the variance of the targets, between batches rather than within: none where they are drawn,
# all where each batch has one class. A third is far beyond what drifting data bring with them.
LARGEST_SHARE = 0.35
# Standard errors beyond what chance puts between batches.
BEYOND_NOISE = 6.0
# Passes without gradients between so many steps are no validation.
MOST_QUIET = 0.5
# Who asks for a loss more often in a step goes through something in its order, as a game.
MOST_LOSSES = 4


@check("not-shuffled", explains=("repeated-batch", "label-noise", "class-imbalance", "plateau",
                                 "lr-too-high", "overfitting", "underfitting"))  # fmt: skip
def check_not_shuffled(record: Record) -> Iterator[Answer]:
    """Compare how targets differ between batches with how they differ within."""
    optimizers = {row.step: row.optimizer for row in record.steps}
    by_optimizer: dict[int, list[np.ndarray]] = {}
    is_classes = False
    for step, losses in _seen.losses(record):
        values, is_integer = _targets(losses)
        if len(values) > 1:
            by_optimizer.setdefault(optimizers.get(step, 0), []).append(values)
            is_classes |= is_integer
    groups = max(by_optimizer.values(), key=len, default=[])
    if len(groups) < FEWEST_BATCHES:
        yield Unchecked("too few batches with one target to an example were looked at")
        return
    share, significance = _between(groups, is_classes)
    if share < LARGEST_SHARE or significance < BEYOND_NOISE:
        return
    if not is_classes and (_drifts(groups) or _are_made_on_the_way(record)):
        yield Unchecked("the targets drift, as those that a network makes for itself do")
        return
    if _batch_mixing.is_set(record):
        yield Unchecked("the rows of a batch may be the parts of one example")
        return
    loaders = [each for each in record.loaders if not each.is_shuffled]
    yield Finding(
        fault="not-shuffled",
        where="batches",
        severity="error",
        confidence=0.95,
        evidence={
            "share of the targets' variance between batches": share,
            "expected of shuffled batches": 0.0,
            "batches looked at": len(groups),
            "mean target of the first batches": [float(each.mean()) for each in groups[:8]],
            **({"loader shuffles": False} if loaders else {}),
        },
        remedy=Remedy(
            "Draw the examples in a new random order in every epoch: DataLoader(dataset, "
            "batch_size=…, shuffle=True), or order = torch.randperm(len(x)); x, y = x[order], "
            "y[order] before the batches are cut."
        ),
    )


def _drifts(groups: list[np.ndarray]) -> bool:
    """Return whether targets differ little between batches at the beginning, or at the end."""
    half = len(groups) // 2
    return any(
        _between(part, False)[0] < LARGEST_SHARE / 2 for part in (groups[:half], groups[half:])
    )


def _are_made_on_the_way(record: Record) -> bool:
    """Return whether the network answers between most steps, as when it makes its own targets."""
    quiet = sum("e" in row.events for row in record.steps)
    return quiet > MOST_QUIET * len(record.steps)


def _targets(losses: list[LossFacts]) -> tuple[np.ndarray, bool]:
    """Return the targets of a step, one for each example; all losses of a step belong together."""
    facts = [each for each in losses if each.sequence and _is_single(each)]
    if not facts or len(facts) < len(losses) or len(facts) > MOST_LOSSES:
        return np.array([]), False
    values = np.array([value for each in facts for value in each.sequence])
    if not np.isfinite(values).all():
        return np.array([]), False
    return values, facts[0].target_type.startswith(("int", "uint", "bool"))


def _is_single(loss: LossFacts) -> bool:
    shape = loss.target_shape
    return (len(shape) == 1 and shape == loss.output_shape[:1]) or shape[1:] == [1]


def _between(groups: list[np.ndarray], is_classes: bool) -> tuple[float, float]:
    """Return the share of variance between batches, and how far beyond noise it is.

    The share is the intraclass correlation: zero for batches that are drawn at random.
    """
    values = np.concatenate(groups)
    kinds = np.unique(values)
    if len(kinds) < 2:
        return 0.0, 0.0
    if is_classes and len(kinds) <= 256:
        parts = [(each[:, None] == kinds).astype(float) for each in groups]
    else:
        parts = [each[:, None] for each in groups]
    everything = np.concatenate(parts)
    total = ((everything - everything.mean(0)) ** 2).sum()
    within = sum(((each - each.mean(0)) ** 2).sum() for each in parts)
    count, size = len(parts), len(everything) / len(parts)
    if total <= 0 or len(everything) <= count:
        return 0.0, 0.0
    between, inside = (total - within) / (count - 1), within / (len(everything) - count)
    share = (between - inside) / (between + (size - 1) * inside)
    # Of a ratio of variances with these degrees of freedom, near one.
    error = math.sqrt(2 / (count - 1) + 2 / (len(everything) - count))
    ratio = between / inside if inside > 0 else math.inf
    return float(share), (ratio - 1) / error
