"""Gradients that run away."""

import math
from collections.abc import Iterator

import numpy as np

from thalweg.doctor._finding import Finding, Remedy
from thalweg.doctor.checks._check import Answer, Unchecked, check
from thalweg.doctor.checks.reading import _outcome
from thalweg.doctor.checks.reading._progress import losses
from thalweg.doctor.checks.reading._stakes import first_loss, gradient_sizes, poor, shared, stakes
from thalweg.doctor.record import Record

# Times the first loss. Usual recurrent weights hold between a tenth and five; above ten, a step
# of a hundredth of the weights changes the loss by a tenth, and the next time more.
TOO_MUCH = 10.0
# A gradient so many times that of the first steps has no cause in data that stay the same.
GROWTH = 10.0
# A loss that is thrown back so many times its first size has met a steep place.
JUMP = 3.0
FIRST = 3
# Of the loss, so much is left where that did harm.
POOR = 0.25
FEWEST = 4
# Of the weights, a step is usually a hundredth.
USUAL = 0.05
# Operations without a bound on their slope.
STEEP = ("Exp", "Reciprocal", "Log", "Sqrt", "Tan")


@check("exploding-gradient", explains=("lr-too-high", "non-finite", "plateau", "overfitting"))
def check_exploding_gradient(record: Record) -> Iterator[Answer]:
    """Find gradients that grow with time in the network, or beyond their own history."""
    loss = first_loss(record)
    if loss is None or len(record.samples) < FEWEST:
        yield Unchecked("too few steps were looked at closely")
        return
    if _outcome.grows_longer(record):
        yield Unchecked("steps go through the network more and more often, and losses add up")
        return
    # A loss that crosses zero is no measure for what is at stake.
    has_floor = min(losses(record, None)) >= 0
    through_time = _through_time(record, loss) if has_floor else None
    found = through_time or _from_a_steep_loss(record)
    if found is None:
        return
    where, evidence, confidence = found
    yield Finding(
        fault="exploding-gradient",
        where=where,
        severity="error",
        confidence=confidence,
        evidence={**evidence, "gradient by sample": [*gradient_sizes(record)[:8]]},
        remedy=Remedy(
            "Bound the gradient before the step: "
            "torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0); and bound what divides or "
            "is exponentiated, e.g. log_variance.clamp(min=-5)."
        ),
    )


def _through_time(record: Record, loss: float) -> tuple[str, dict, float] | None:
    """Return evidence that weights used again and again got gradients out of all proportion."""
    often = shared(record)
    highest: dict[str, float] = {}
    at_first = 0.0
    for sample in record.samples:
        for name, value in stakes(record, sample, loss).items():
            if name in often and math.isfinite(value):
                highest[name] = max(highest.get(name, 0.0), value)
                at_first = max(at_first, value) if sample.step <= FIRST else at_first
    if not highest or not _harmed(record):
        return None
    where = max(highest, key=highest.__getitem__)
    if highest[where] <= TOO_MUCH:
        return None
    # Long steps can make gradients explode later; those of the first steps they cannot.
    return (
        where,
        {
            "times the first loss at stake in a weight": highest[where],
            "in the first steps": at_first,
        },
        0.95 if at_first > TOO_MUCH else 0.7,
    )


def _from_a_steep_loss(record: Record) -> tuple[str, dict, float] | None:
    """Return evidence that the gradient grew in a loss whose slope has no bound."""
    if any(sample.losses and not sample.losses[0].form for sample in record.samples):
        return None
    if not any(node.name in STEEP for node in record.graph):
        return None
    sizes = gradient_sizes(record)
    finite = [each for each in sizes if math.isfinite(each)]
    first = max(finite[:3], default=0.0)
    series = losses(record, None)
    grew = max(finite, default=0.0) > JUMP * first or len(finite) < len(sizes)
    grown = _grown(record, JUMP * first)
    # A loss that crosses zero may begin next to it: its usual ups and downs are its size, too.
    calm = [row.loss for row in record.steps if row.step < grown and math.isfinite(row.loss)]
    size = float(abs(np.percentile(calm, (10, 90))).max()) if calm and min(series) < 0 else 0.0
    if first > 0 and grew and max(series) > series[0] + JUMP * max(abs(series[0]), size):
        # Gradients that grew before any step was long are the loss's own fault.
        confidence = 0.95 if _steps_were_short(record, grown) else 0.7
        return "loss", {"gradient at first": first, "gradient later": max(finite)}, confidence
    return None


def _grown(record: Record, much: float) -> float:
    """Return the step at which the gradient was first so large; infinity for never."""
    sizes = zip((sample.step for sample in record.samples), gradient_sizes(record), strict=False)
    return next((step for step, size in sizes if not size < much), math.inf)


def _steps_were_short(record: Record, grown: float) -> bool:
    """Return whether steps were of usual length until the gradient had grown."""
    moves = [share for step, share in _outcome.relative_steps(record) if step < grown]
    return len(moves) >= FEWEST and max(moves) < USUAL


def _harmed(record: Record) -> bool:
    series = losses(record, None)
    return poor(record, POOR) or max(series) > GROWTH * abs(series[0])
