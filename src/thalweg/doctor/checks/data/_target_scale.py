"""Regression targets that are far from what a fresh network answers."""

import math
from collections.abc import Iterator

import numpy as np

from thalweg.doctor._finding import Finding, Remedy
from thalweg.doctor.checks._check import Answer, Unchecked, check
from thalweg.doctor.checks.reading import _seen
from thalweg.doctor.record import LossFacts, Record

SQUARED, ABSOLUTE = ("mse_loss",), ("l1_loss", "smooth_l1_loss", "huber_loss")
# A fresh network answers with about ±1. Ten times that takes an optimizer whose steps have a
# fixed size, as Adam's, thousands of them, and makes gradients a hundred times larger for others.
LARGEST = 10.0
# Targets of which none is larger are less than the jitter that a step of Adam puts on the output.
SMALLEST = 0.02
# Who has learned most of the targets' spread in spite of it needs no advice.
LEARNED = 0.7
FEWEST = 3
TAIL = 5


@check(
    "target-scale",
    explains=("initial-loss", "output-clamped", "loss-scale", "lr-too-low", "lr-too-high",
              "plateau", "underfitting", "dead-units", "saturated-units", "exploding-gradient"),
)  # fmt: skip
def check_target_scale(record: Record) -> Iterator[Answer]:
    """Compare the targets' size with one, and ask how much of their spread was learned."""
    facts = [losses[0] for _, losses in _seen.losses(record) if _kind(losses[0])]
    facts = [each for each in facts if each.target is not None and each.target.nonfinite == 0]
    facts = [each for each in facts if each.output.nonfinite == 0 and each.target_type != "int64"]
    if not facts:
        return
    if len(facts) < FEWEST:
        yield Unchecked("too few losses were looked at")
        return
    # Targets that a network makes itself, as values in reinforcement learning, grow; the first
    # ones tell what the loop was given.
    first = [each.target for each in facts[:TAIL] if each.target is not None]
    mean = float(np.mean([each.mean for each in first]))
    std = float(np.mean([each.std for each in first]))
    size, largest = math.hypot(mean, std), max(max(abs(t.low), abs(t.high)) for t in first)
    is_large, is_tiny = size > LARGEST, 0 < largest < SMALLEST
    if not (is_large or is_tiny):
        return
    learned = _learned(facts[-TAIL:])
    if learned is None:
        yield Unchecked("the targets of a batch are all the same")
        return
    if learned > LEARNED:
        return
    yield Finding(
        fault="target-scale",
        where="targets",
        severity="error",
        confidence=0.95 if learned < 0.5 else 0.8,
        evidence={
            "mean of targets": mean,
            "standard deviation of targets": std,
            "first outputs' mean": facts[0].output.mean,
            "first outputs' standard deviation": facts[0].output.std,
            "last outputs' mean": facts[-1].output.mean,
            "share of the targets' variance that is learned": learned,
        },
        remedy=Remedy(
            "Train on standardized targets, y = (y - train_y.mean()) / train_y.std(), and undo it "
            "for predictions: y = output * train_y.std() + train_y.mean()."
        ),
    )


def _kind(loss: LossFacts) -> str | None:
    if loss.kind in SQUARED or loss.form == "squared error":
        return "squared"
    return "absolute" if loss.kind in ABSOLUTE or loss.form == "absolute error" else None


def _learned(facts: list[LossFacts]) -> float | None:
    """Return the share of the targets' variance that is gone, by the moments of both sides.

    An output as far off as its mean, or without the targets' spread, cannot have learned them;
    where the loss is the mean of errors, that tells more.
    """
    found = []
    for loss in facts:
        assert loss.target is not None
        spread = loss.target.std
        if not spread > 0:
            continue
        offset = (loss.output.mean - loss.target.mean) / spread
        share = 1 - offset**2 - (1 - min(1.0, loss.output.std / spread)) ** 2
        if loss.reduction == "mean" and loss.kind in SQUARED:
            share = min(share, 1 - loss.value / spread**2)
        found.append(max(-1.0, share))
    return float(np.median(found)) if found else None
