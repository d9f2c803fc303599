"""NaN and infinity: given to the network, or made in it."""

import math
from collections.abc import Iterator

from thalweg.doctor._finding import Finding, Remedy
from thalweg.doctor.checks._check import Answer, check
from thalweg.doctor.record import Record

# A loss that was spoilt for a moment, as an overflow that a scaler skips, does no harm. That of a
# spoilt network stays so; a loop that stops at the first such loss ends with it.
LAST = 5
# A loss that rose so far before it left the numbers was on its way there: the first place where
# infinity showed then tells little.
RUNAWAY = 1e3


@check("nan-input", explains=("non-finite",))
def check_nan_input(record: Record) -> Iterator[Answer]:
    """Find NaN or infinity in what the loop gives the network and the loss."""
    if not _is_spoilt(record):
        return
    place = _given(record)
    if place is None:
        return
    where, step, rows = place
    evidence: dict[str, object] = {
        "first seen in step": step,
        "steps with a loss that is no number": _spoilt(record),
    }
    if rows:
        evidence["rows of that batch"] = rows
    yield Finding(
        fault="nan-input",
        where=where,
        severity="error",
        confidence=0.99,
        evidence=evidence,
        remedy=Remedy(
            f"Drop or fill in the {where} that are NaN or infinite before training, for instance "
            "x = x[torch.isfinite(x).all(dim=1)], and look for a logarithm or a division by zero "
            "in their preparation."
        ),
    )


def _given(record: Record) -> tuple[str, int, list[int]] | None:
    """Return whether inputs or targets were not finite, first in which step and which rows."""
    first = record.first_nonfinite
    found = [
        ("inputs", sample.step, given.nonfinite_rows)
        for sample in record.samples
        for given in sample.inputs
        if given.nonfinite_rows
    ]
    found += [
        ("targets", sample.step, [])
        for sample in record.samples
        for loss in sample.losses
        # The target of a loss written by hand is known as output less error.
        if loss.target is not None and loss.target.nonfinite and not loss.output.nonfinite
    ]
    if first is not None and first.place in ("input", "target"):
        rows = next((rows for _, step, rows in found if step == first.step), [])
        return f"{first.place}s", first.step, rows
    # With an accelerator only the samples tell; a network that came to give NaN by itself, and
    # feeds it back as its input, was fine when its weights were first spoilt.
    if not found or (first is not None and first.step < found[0][1] and first.place != "parameter"):
        return None
    return found[0]


@check("non-finite")
def check_non_finite(record: Record) -> Iterator[Answer]:
    """Find the first place where finite numbers became NaN or infinity."""
    if not _is_spoilt(record) or _given(record) is not None:
        return
    first = record.first_nonfinite
    losses = [row.loss for row in record.steps if math.isfinite(row.loss)]
    rise = losses[-1] / losses[0] if len(losses) > 1 and losses[0] > 0 else 1.0
    is_runaway = rise > RUNAWAY
    where, happened, remedy = _explained(record)
    evidence: dict[str, object] = {"first seen in": happened}
    if first is not None:
        evidence["step"] = first.step
    evidence["steps with a loss that is no number"] = _spoilt(record)
    if losses:
        evidence["last finite loss"] = losses[-1]
    yield Finding(
        fault="non-finite",
        where=where,
        severity="error",
        confidence=0.6 if is_runaway else 0.95,
        evidence=evidence,
        remedy=remedy,
    )


def _explained(record: Record) -> tuple[str, str, Remedy]:
    """Return where it arose, as what it was first seen, and what to do about it."""
    first = record.first_nonfinite
    gradients = [
        (sample.step, name)
        for sample in record.samples
        for name, motion in sample.parameters.items()
        if motion.nonfinite
    ]
    if first is not None and first.place == "forward":
        return (
            first.name,
            "the forward pass",
            Remedy(
                f"Look in {first.name} for a division by zero, the root or logarithm of zero, a "
                "softmax over nothing but -inf, or half precision that overflows; add a small "
                "number, as in x / (norm + 1e-8), or keep that part in float32."
            ),
        )
    if first is not None and first.place == "loss":
        return (
            "loss",
            "the loss",
            Remedy(
                "The network's output is finite and the loss is not: use the loss function that "
                "takes logits, or clamp before a logarithm or division: p.clamp(1e-7, 1 - 1e-7)."
            ),
        )
    if first is not None or gradients:
        where = first.name if first is not None else gradients[0][1]
        return (
            where,
            "the gradient",
            Remedy(
                "The loss is finite and its gradient is not: add a small number under a root, a "
                "norm or a division, (x + 1e-8).sqrt(); in half precision, use GradScaler instead "
                "of a scale of your own, torch.autograd.set_detect_anomaly(True) names the line."
            ),
        )
    return (
        "loss",
        "the loss",
        Remedy("Run a few steps under torch.autograd.set_detect_anomaly(True): it names the line."),
    )


def _spoilt(record: Record) -> int:
    return sum(not math.isfinite(row.loss) for row in record.steps if row.backwards)


def _is_spoilt(record: Record) -> bool:
    """Return whether training ended in NaN or infinity, or with steps that could not be made."""
    last = [row for row in record.steps if row.backwards][-LAST:]
    if not last:
        return record.first_nonfinite is not None and not record.steps
    return all(not math.isfinite(row.loss) for row in last) or not math.isfinite(last[-1].loss)
