"""Targets that a loss is not made for."""

import math
from collections.abc import Iterator

from thalweg.doctor._finding import Finding, Remedy
from thalweg.doctor.checks.reading import _progress
from thalweg.doctor.record import LossFacts, Record

OF_NUMBERS = ("mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss", "custom")
# Sums of probabilities stray from one by half precision, and by small bounds against log(0).
ROUNDING = 0.02
# With two classes a squared error of 0 and 1 is Brier's score, which is a loss for chances.
FEWEST_CLASSES = 3
# Numbers that count something pile up around their mean; classes are drawn about equally. The
# rarest must be so frequent next to the most frequent one.
LEAST_EVEN = 0.4
FEWEST_TARGETS = 200
# Errors of this size, in training and validation, leave most answers nearest to the right number.
ROUNDED = 0.35
# Many train well with a yes or no per class. Where so much is left of the loss of a guess, the many
# wrong classes have drowned the right one; of few classes they cannot.
MOST_LEFT = 0.5
FEWEST_DROWNING = 5

Answers = Iterator[Finding]


def not_shares(record: Record, facts: list[LossFacts]) -> Answers:
    """Find targets that are no chances under a loss that takes them for some."""
    del record
    for loss in facts:
        if loss.target is None or "float" not in loss.target_type:
            continue
        is_binary = loss.kind.startswith("binary_cross_entropy")
        if is_binary and (loss.target.low < -ROUNDING or loss.target.high > 1 + ROUNDING):
            yield finding(
                {
                    "loss": loss.kind,
                    "lowest target": loss.target.low,
                    "highest target": loss.target.high,
                },
                "Give a binary loss targets between 0 and 1; for class numbers use cross_entropy "
                "with one output per class.",
            )
        sums = loss.target_rows_sum_to
        if loss.kind == "cross_entropy" and sums is not None and sums[1] > 1.5:
            yield finding(
                {"loss": loss.kind, "targets of a row sum to": list(sums)},
                "Several classes are right at once: use binary_cross_entropy_with_logits.",
            )


def one_of_many(record: Record, facts: list[LossFacts]) -> Answers:
    """Find questions of yes or no where exactly one class of many is right."""
    some = [loss for loss in facts if loss.kind.startswith("binary_cross_entropy")]
    sums = [each for loss in some for each in loss.target_rows_sum_to or (0.0,)]
    classes = min((loss.output_shape[-1] for loss in some if loss.output_shape), default=0)
    if classes < FEWEST_DROWNING or any(abs(each - 1) > 1e-6 for each in sums):
        return
    if any(set(loss.target_values) != {0.0, 1.0} for loss in some):
        return
    guess, series = _progress.uninformed(record), _progress.losses(record)
    if not guess or not series or _is_dead(record):
        return
    left = _progress.start_and_end(series)[1] / guess
    if left > MOST_LEFT:
        yield finding(
            {
                "loss": some[0].kind,
                "classes": classes,
                "right ones per example": 1,
                "share of a guess's loss that is left": left,
            },
            "Exactly one class is right: use cross_entropy(logits, class_numbers), in which the "
            "classes compete.",
            0.9,
        )


def _is_dead(record: Record) -> bool:
    """Return whether a layer answers nothing: then it is not the loss that stops training."""
    activations = [each for sample in record.samples for each in sample.activations]
    return any(each.units > 1 and each.dead == each.units for each in activations)


def class_numbers(record: Record, facts: list[LossFacts]) -> Answers:
    """Find numbers of classes taken for measurements."""
    some = [loss for loss in facts if loss.kind in OF_NUMBERS]
    targets = [each for loss in some for each in loss.sequence if math.isfinite(each)]
    if len(targets) < FEWEST_TARGETS or len(some) < len(facts):
        return
    if any(loss.output_shape[1:] not in ([], [1]) for loss in some):
        return
    rounded = [round(each) for each in targets]
    if any(abs(each - whole) > 1e-4 for each, whole in zip(targets, rounded, strict=True)):
        return
    classes = max(rounded) + 1
    counts = [rounded.count(each) for each in range(classes)]
    if min(rounded) != 0 or not FEWEST_CLASSES <= classes <= 100:
        return
    if min(counts) < LEAST_EVEN * max(counts) or _hits(record, some):
        return
    yield finding(
        {"loss": some[0].form or some[0].kind, "classes": classes, "targets": "0, 1, 2, …"},
        f"Class numbers have no distance: give the last layer {classes} outputs and use "
        "cross_entropy(outputs, targets).",
        0.85,
    )


def _hits(record: Record, some: list[LossFacts]) -> bool:
    """Return whether rounded answers are right, as where something is counted."""
    series, kind = _progress.losses(record), some[0].form or some[0].kind
    ends = [each.loss for each in record.evaluations[-3:] if each.loss is not None]
    ends.append(_progress.start_and_end(series)[1] if series else math.inf)
    # Of small errors, squared ones and Huber's are squares, the latter halved.
    power = {"mse_loss": 1, "squared error": 1, "smooth_l1_loss": 2, "huber_loss": 2}.get(kind)
    error = max(ends) if power is None else math.sqrt(power * max(0.0, *ends))
    return error < ROUNDED


def finding(evidence: dict[str, object], remedy: str, confidence: float = 0.98) -> Finding:
    """Return the finding of a wrong loss."""
    return Finding(
        fault="wrong-loss",
        where="loss",
        severity="error",
        confidence=confidence,
        evidence=evidence,
        remedy=Remedy(remedy),
    )
