"""A loss that adds up the examples of a batch, under a rate that was made for their mean."""

import statistics
from collections.abc import Iterator

from thalweg.doctor._finding import Finding, Remedy
from thalweg.doctor.checks._check import Answer, Note, Unchecked, check
from thalweg.doctor.checks.reading import _progress
from thalweg.doctor.checks.reading._region import is_opaque
from thalweg.doctor.checks.reading._terms import terms
from thalweg.doctor.record import Record

# The step of these is proportional to the gradient; Adam and its kin divide the scale out again.
PROPORTIONAL = ("SGD", "ASGD")
# A batch of fewer examples multiplies the rate by nothing that matters.
SMALLEST_BATCH = 4
# Weight of an example next to one over the batch; half leaves room for a last, shorter batch.
SMALLEST_SHARE = 0.5
# Training counts as spoilt where the loss leaves its first value upwards so far, or ends so near
# to it: a sum under a rate that fits it is a matter of taste.
SPIKE = 2.0
END = 0.7
FEWEST_STEPS = 8


@check("loss-scale", explains=("initial-loss",))
def check_loss_scale(record: Record) -> Iterator[Answer]:
    """Find the weight of one example in the loss, and see whether training bears it."""
    optimizer = record.optimizers[0].kind if record.optimizers else ""
    batch = _batch(record)
    if batch < SMALLEST_BATCH:
        return
    weight = _weight(record)
    if weight is None:
        yield Unchecked("how the loss depends on the batch could not be read off its graph")
        return
    gathered = _gathered(record)
    is_gathered = gathered >= SMALLEST_BATCH and weight * batch >= SMALLEST_SHARE
    if weight < SMALLEST_SHARE and not is_gathered:
        return
    if optimizer not in PROPORTIONAL:
        yield Note(
            f"the loss is a sum over {batch} examples or {gathered} batches; {optimizer} does not "
            "mind, "
            "other optimizers would."
        )
        return
    series = _progress.losses(record)
    is_lost = len(series) < len(record.steps)  # To overflow.
    if len(record.steps) < FEWEST_STEPS or not series or not (is_lost or _is_spoilt(series)):
        return
    factor = weight * batch * gathered
    rate = record.optimizers[0].options.get("lr")
    yield Finding(
        fault="loss-scale",
        where="loss",
        severity="error",
        confidence=0.95,
        evidence={
            "examples in a batch": batch,
            "batches in a step": gathered,
            "times larger than the mean": factor,
            "learning rate": rate,
            "first loss": series[0],
            "last loss": series[-1],
        },
        remedy=Remedy(
            f"Divide by the batches that are gathered: (loss / {gathered}).backward()."
            if is_gathered and weight < SMALLEST_SHARE
            else 'Take the mean over the batch: reduction="mean", or loss = loss / len(inputs) '
            "before loss.backward()."
        ),
    )


def _batch(record: Record) -> int:
    """Return the examples of the first batch that was looked at."""
    for sample in record.samples:
        for each in sample.inputs:
            return each.shape[0] if each.shape else 0
        for loss in sample.losses:
            return loss.output_shape[0] if loss.output_shape else 0
    return 0


def _gathered(record: Record) -> int:
    """Return how many batches usually add their gradients before a step."""
    counts = [min(row.own_backwards, row.forwards) for row in record.steps if not row.is_stale]
    return max(1, int(statistics.median(counts))) if counts else 1


def _weight(record: Record) -> float | None:
    """Return how much the loss changes with the error of one example; None where unknown."""
    if is_opaque(record):
        return _weight_by_value(record)
    known = [each.weight for each in terms(record) if each.weight is not None]
    if not known:
        return _weight_by_value(record)
    return max(known)


def _weight_by_value(record: Record) -> float | None:
    """Compare what was differentiated with what the loss function gave."""
    sums = record.samples[0].losses if record.samples else []
    if len(sums) != 1 or sums[0].reduction != "sum" or not record.steps or not sums[0].value:
        return None
    return abs(record.steps[0].root / sums[0].value)


def _is_spoilt(series: list[float]) -> bool:
    """Return whether the loss shot up, or came down too little to be worth the name."""
    first, (_, last) = abs(series[0]), _progress.start_and_end(series)
    return max(series) > SPIKE * first or last > END * first
