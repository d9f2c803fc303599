"""The same few examples again and again, while there are more."""

import itertools
import math
from collections.abc import Iterator

from thalweg.doctor._finding import Finding, Remedy
from thalweg.doctor.checks._check import Answer, Note, Unchecked, check
from thalweg.doctor.checks.reading import _seen
from thalweg.doctor.record import InputFacts, LoaderFacts, Record

FEWEST_BATCHES = 4
# Of the examples that as many draws from the whole would have shown, so few were different ones.
FEW_DIFFERENT = 0.3
# Validation with so many times the examples of training tells that there were more to train on.
MORE_VALIDATION = 1.5
# Batches of one pass share nothing; those drawn anew from few examples share what these allow.
LARGEST_OVERLAP = 0.7
# Of all different examples, those that come in the second half for the first time are few where
# there are few at all.
FRESH = 0.1
# Examples that are alike by nature, as short symbols are, show within a batch.
MOST_ALIKE = 0.05
# Rows of as many numbers, half of them different ones, are not equal by chance.
FEWEST_MEASUREMENTS = 4
MOST_VALUES = 0.5
# Digests are taken of so many examples of a batch.
MOST_ROWS = 256


@check("repeated-batch", explains=("overfitting", "label-noise", "leakage", "plateau"))
def check_repeated_batch(record: Record) -> Iterator[Answer]:
    """Count the different examples among those that were trained on."""
    batches = [sample.inputs[0] for sample in record.samples if sample.inputs]
    batches = [each for each in batches if len(each.rows) > 1 or each.shape[:1] == [1]]
    if len(batches) < FEWEST_BATCHES:
        yield Unchecked("too few batches were looked at")
        return
    # Several optimizers may step on one batch in turn.
    other = {row.step for row in record.steps if row.optimizer != 0}
    rows = [(step, each) for step, each in _seen.rows(record) if step not in other]
    looked = sum(len(each) for _, each in rows)
    different = len({row for _, each in rows for row in each})
    if _are_alike_by_nature(batches) and not _is_less_than_a_batch(batches, different):
        yield Unchecked("examples are alike by nature")
        return
    if different > FEW_DIFFERENT * looked:
        return
    is_same = len({frozenset(each) for _, each in rows}) == 1
    loader = _loader(record, batches[0].shape[0])
    validation = max((each.examples for each in record.evaluations), default=0)
    if loader is not None and loader.examples is not None:
        drawn = loader.examples * (1 - math.exp(-looked / loader.examples))
        is_few = different < FEW_DIFFERENT * drawn and loader.examples > (loader.batch_size or 1)
    elif not is_same:
        # A memory that fills begins with few examples and goes on to others.
        stride = max(1, len(record.optimizers))
        late = _overlap(rows[len(rows) // 2 :], stride)
        is_left = late <= LARGEST_OVERLAP if late else _late(rows) > FRESH
        is_few = _overlap(rows, stride) > LARGEST_OVERLAP and not is_left
    else:
        # Who trains on all there is at once has the same batch by intention; a part of several
        # thousands, of which only the first are looked at, may be all there is.
        is_whole = batches[0].shape[0] > MOST_ROWS or validation <= MORE_VALIDATION * different
        is_few = not is_whole
    if is_few:
        yield _finding(rows, is_same, loader, validation)
    elif is_same:
        yield Note("Every batch holds the same examples: all there are, it seems.")


def _finding(
    rows: list[tuple[int, list[float]]], is_same: bool, loader: LoaderFacts | None, validation: int
) -> Finding:
    evidence: dict[str, object] = {
        "examples looked at": sum(len(each) for _, each in rows),
        "different ones": len({row for _, each in rows for row in each}),
        "batches looked at": len(rows),
        "all batches equal": is_same,
    }
    if loader is not None and loader.examples is not None:
        evidence["examples in the loader"] = loader.examples
        evidence["iterations begun"] = loader.iterators
    elif validation:
        evidence["examples in validation"] = validation
    return Finding(
        fault="repeated-batch",
        where="batches",
        severity="error",
        confidence=0.97 if is_same else 0.85,
        evidence=evidence,
        remedy=Remedy(
            "Draw a new batch in each step: for x, y in loader, instead of next(iter(loader)) "
            "inside the loop; seed once before the loop, not where batches are made; slice "
            "x[i * size : (i + 1) * size]."
        ),
    )


def _are_alike_by_nature(batches: list[InputFacts]) -> bool:
    """Return whether examples of one batch are equal, or too short to be told apart."""
    if len(batches[0].shape) < 2:
        return True
    rows = sum(len(each.rows) for each in batches)
    different = sum(len(set(each.rows)) for each in batches)
    return different < (1 - MOST_ALIKE) * rows


def _is_less_than_a_batch(batches: list[InputFacts], different: int) -> bool:
    """Return whether all examples together would not fill a batch, though they are measurements.

    Rows of many different numbers are not alike by nature. They are drawn twice in a batch.
    """
    first, rows = batches[0], max(1, len(set(batches[0].rows)))
    entries = min(4096, rows * math.prod(first.shape[1:]))
    is_measured = (
        first.type.startswith("float")
        and math.prod(first.shape[1:]) >= FEWEST_MEASUREMENTS
        and first.distinct > MOST_VALUES * entries
    )
    return is_measured and different <= first.shape[0]


def _overlap(rows: list[tuple[int, list[float]]], stride: int) -> float:
    """Return which share of a batch was in the one just before, where that was another one."""
    pairs = itertools.pairwise(rows)
    shares = [
        len(set(one) & set(two)) / len(set(two))
        for (first, one), (second, two) in pairs
        if second == first + stride
    ]
    # Several steps on one batch are taken on purpose.
    shares = [each for each in shares if each < 1]
    return sum(shares) / len(shares) if len(shares) > 1 else 0.0


def _late(rows: list[tuple[int, list[float]]]) -> float:
    """Return the share of the different examples that first came in the second half."""
    half = len(rows) // 2
    early = {row for _, each in rows[:half] for row in each}
    late = {row for _, each in rows[half:] for row in each} - early
    return len(late) / max(1, len(late) + len(early))


def _loader(record: Record, size: int) -> LoaderFacts | None:
    """Return the loader that gives batches of this size, if one does."""
    found = [each for each in record.loaders if each.batch_size == size and each.examples]
    return max(found, key=lambda each: each.iterators, default=None)
