"""A network that answers with the class that nearly every example has."""

from collections.abc import Iterator

import numpy as np

from thalweg.doctor._finding import Finding, Remedy
from thalweg.doctor.checks._check import Answer, Unchecked, check
from thalweg.doctor.checks.reading import _seen
from thalweg.doctor.record import LossFacts, Record

# Less than three to one is no imbalance that a loss without weights would mind.
SMALLEST_MAJORITY = 0.75
# Of the other examples, so few are found: by a network that answers almost only the majority.
MOST_FOUND = 0.2
# One answer in so many times the others' true share is theirs.
MOST_ANSWERED = 0.35
# Other examples that must have been met, lest none was found by chance: if half of them were
# recognized, so few of them would be found once in thirty runs.
FEWEST_OTHERS = 8
FEWEST_STEPS = 30
# Of training that is over by then, a network answers as it will.
LATE = 0.6


@check("class-imbalance", explains=("plateau", "underfitting", "lr-too-low", "input-ignored"))
def check_class_imbalance(record: Record) -> Iterator[Answer]:
    """Count how many of the rarer classes' examples are recognized at the end."""
    facts = [(step, each[0]) for step, each in _seen.losses(record) if each[0].counts]
    if not facts or not _is_one_answer(facts[0][1]):
        return
    counts, predicted, correct = _last(record, facts)
    if counts.sum() == 0 or len(record.steps) < FEWEST_STEPS:
        yield Unchecked("too few answers were looked at")
        return
    top = int(counts.argmax())
    others, found = counts.sum() - counts[top], correct.sum() - correct[top]
    majority = float(counts[top] / counts.sum())
    if majority < SMALLEST_MAJORITY:
        return
    if others < FEWEST_OTHERS:
        yield Unchecked("too few examples of the rarer classes were met")
        return
    recall, answered = float(found / others), float(predicted.sum() - predicted[top]) / others
    if recall <= MOST_FOUND and answered <= MOST_ANSWERED:
        yield Finding(
            fault="class-imbalance",
            where="targets",
            severity="error",
            confidence=0.85,
            evidence={
                "share of the commonest class": majority,
                "share of answers that are it": float(predicted[top] / predicted.sum()),
                "others met": int(others),
                "others recognized": int(found),
            },
            remedy=Remedy(
                "Weigh the classes, CrossEntropyLoss(weight=1 / counts * counts.mean()) or "
                "BCEWithLogitsLoss(pos_weight=negatives / positives), or draw the rare ones more "
                "often with WeightedRandomSampler; judge by recall, not accuracy."
            ),
        )


def _is_one_answer(loss: LossFacts) -> bool:
    """Return whether classes exclude each other; of many labels each is rare by itself."""
    if not loss.kind.startswith("binary_cross_entropy"):
        return True
    shape = loss.output_shape
    return len(shape) < 2 or shape[1] == 1


def _last(
    record: Record, facts: list[tuple[int, LossFacts]]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return targets, answers and right ones by class, of late batches and the last validation."""
    last = record.steps[-1].step
    late = [each for step, each in facts if step > LATE * last]
    passes = [each for each in record.evaluations if each.counts and each.step > LATE * last]
    chosen = [*late, *passes[-1:]]
    classes = max((len(each.counts) for each in chosen), default=1)

    def total(lists: list[list[int]]) -> np.ndarray:
        found = np.zeros(classes)
        for each in lists:
            found[: len(each)] += each
        return found

    return (
        total([each.counts for each in chosen]),
        total([each.predicted for each in chosen]),
        total([each.correct for each in chosen]),
    )
