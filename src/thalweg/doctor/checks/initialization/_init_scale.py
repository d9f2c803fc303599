"""Weights that begin much too large or much too small."""

from collections.abc import Iterator

import numpy as np

from thalweg.doctor._finding import Finding, Remedy
from thalweg.doctor.checks._check import Answer, Unchecked, check
from thalweg.doctor.checks.initialization._initial_loss import times_a_guess
from thalweg.doctor.checks.reading._stakes import (
    family,
    first_loss,
    is_resumed,
    poor,
    shared,
    stakes,
)
from thalweg.doctor.record import Record

# Gain: size of the weights times the root of the numbers that go into one output. Every known
# rule gives between 0.5 (torch's default) and 1.67 (tanh); twice the largest is beyond them all.
LARGE = 3.0
SMALL = 0.3
# A layer whose weights could double without changing the loss by a thousandth gets no signal,
# or passes none on.
NO_STAKE = 1e-3
# Times the loss of a guess, at the first step.
FAR = 3.0
# Of the loss, so much is left where a wrong start has not been overcome.
POOR = 0.8
FEWEST = 2


@check(
    "init-scale",
    explains=(
        *("initial-loss", "lr-too-high", "lr-too-low", "exploding-gradient", "non-finite"),
        *("vanishing-gradient", "saturated-units", "dead-units", "plateau", "underfitting"),
    ),
)
def check_init_scale(record: Record) -> Iterator[Answer]:
    """Find networks most of whose matrices begin too large, or too small for any signal."""
    loss = first_loss(record)
    first = next((each for each in record.samples if each.step <= 2), None)
    if is_resumed(record) or first is None or loss is None or not first.parameters:
        yield Unchecked("the first step was not seen")
        return
    found = {n: g for n, g in gains(record).items() if g > 0}
    large = {name: gain for name, gain in found.items() if gain > LARGE}
    small = {name: gain for name, gain in found.items() if gain < SMALL}
    times = times_a_guess(record)
    evidence: dict = {"first loss": loss, "loss of a guess, times": times}
    at_stake = stakes(record, first, loss)
    is_far = times is not None and times > FAR
    # Weights used again and again amplify again and again.
    is_repeated = any(name in shared(record) for name in large)
    if len(large) >= FEWEST and 2 * len(large) >= len(found) and (is_far or poor(record, POOR)):
        yield _finding(large, "large", evidence)
    elif is_repeated and poor(record, POOR):
        yield _finding({n: g for n, g in large.items() if n in shared(record)}, "large", evidence)
    elif len(small) >= FEWEST and 2 * len(small) >= len(found) and poor(record, POOR):
        reached = [at_stake[name] for name in small if name in at_stake]
        if reached and float(np.median(reached)) < NO_STAKE:
            yield _finding(small, "small", evidence)


def gains(record: Record) -> dict[str, float]:
    """Return by how much each matrix amplified its input at first; embeddings left out."""
    first = record.samples[0]
    found = {}
    for name, motion in first.parameters.items():
        facts = record.parameters.get(name)
        if facts is None or len(facts.shape) < 2 or min(facts.shape[:1]) < 1:
            continue
        kind = family(record, name)
        if kind == "embedding" or not facts.is_trainable:
            continue
        # Hand-made weights may lie the other way round.
        is_known = kind in ("linear", "convolution", "recurrent", "attention")
        fan_in = facts.fan_in if is_known else min(facts.fan_in, facts.shape[0])
        found[name] = motion.weight * fan_in**0.5
    return found


def _finding(gains: dict[str, float], word: str, evidence: dict) -> Finding:
    worst = max(gains, key=gains.__getitem__) if word == "large" else min(gains, key=gains.get)  # type: ignore[arg-type]
    shown = {name: float(f"{gain:.3g}") for name, gain in list(gains.items())[:6]}
    return Finding(
        fault="init-scale",
        where=worst,
        severity="error",
        confidence=0.95,
        evidence={f"weights too {word}": len(gains), "gain by weight": shown, **evidence},
        remedy=Remedy(
            f"Initialize with the deviation 1 / sqrt(inputs): torch.nn.init."
            f"kaiming_normal_(weight) before ReLU, xavier_normal_(weight) before tanh; "
            f"{worst} is at {gains[worst]:.2g} times that."
        ),
    )
