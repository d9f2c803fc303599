"""Validation that was trained on, and answers among the inputs."""

import math
from collections import Counter
from collections.abc import Iterator

import numpy as np

from thalweg.doctor._finding import Finding, Remedy
from thalweg.doctor.checks._check import Answer, Note, Unchecked, check
from thalweg.doctor.checks.reading import _seen
from thalweg.doctor.checks.reading._progress import entropy
from thalweg.doctor.record import Evaluation, InputFacts, Record

# A column that goes with the targets so closely is made from them.
SAME = 0.995
FEWEST_EXAMPLES = 40
FEWEST_COLUMNS = 3
# The next best column; where several go with the targets, the task is a simple one.
SIMPLE = 0.9
# A network with a causal mask does not move at all; rounding differs by another order of sums.
LARGEST_CHANGE = 1e-3
# Validation rows that were trained on, beyond a twin or two in the data.
FEWEST_SEEN = 5
FEWEST = 0.04
# Examples with so much information do not recur by nature. Symbols that depend on each other
# have far less than their number says, so that this is asked of numbers only.
FEWEST_BITS = 100
# Where so many entries differ from all others, no two examples are equal by nature.
CONTINUOUS = 0.5
# Passes without gradients in so many steps are no validation but part of the training.
MOST_PASSES = 0.3
# Of the training set: who goes over so much of it without gradients measures the training error.
WHOLE = 0.8
# Passes over training and validation in turn have few or many known examples, by forward pass.
MOST_DISPERSION = 4.0
# Forward passes of which the record keeps how many examples were known.
MOST_FORWARDS = 64
# Draws by different ones, from which on they tell how many there are.
RETURNED = 1.1


@check("leakage", explains=("overfitting",))
def check_leakage(record: Record) -> Iterator[Answer]:
    """Look for the answer among the inputs, and for known examples in validation."""
    yield from _column(record)
    change = record.trials.get("leakage")
    if change is not None and change > LARGEST_CHANGE:
        yield _finding(
            "attention mask",
            0.97,
            {"earlier outputs move by, in standard deviations, with the last symbol": change},
            "The network sees the symbols that it is to guess: give attention a causal mask, "
            "is_causal=True or nn.Transformer.generate_square_subsequent_mask(length), and use "
            "no recurrent layer that reads backwards.",
        )
    yield from _rows(record)


def _column(record: Record) -> Iterator[Answer]:
    """Find a column that goes with the targets in every sample, as no other does."""
    tables = [(each.correlations, each.inputs) for each in record.samples if each.correlations]
    tables = [(found, given) for found, given in tables if len(found) >= FEWEST_COLUMNS]
    examples = sum(len(given[0].rows) for _, given in tables if given)
    if examples < FEWEST_EXAMPLES or len({len(found) for found, _ in tables}) != 1:
        return
    shared = np.array([found for found, _ in tables])
    lowest, middle = shared.min(0), np.sort(np.median(shared, axis=0))
    column = int(lowest.argmax())
    if lowest[column] >= SAME and middle[-2] < SIMPLE:
        yield _finding(
            f"input column {column}",
            0.97,
            {
                "share of the targets' variance that the column goes with": float(lowest[column]),
                "next best column": float(middle[-2]),
                "examples looked at": examples,
            },
            f"Drop column {column}: it holds the answer, in other units or by another name, and "
            "will not be known when the network is used.",
        )


def _rows(record: Record) -> Iterator[Answer]:
    """Compare digests of validation examples with those of training examples."""
    # Half of a pass may be another half than the rest.
    passes = [
        each
        for each in record.evaluations
        if each.rows and len(each.by_forward) >= min(each.forwards, MOST_FORWARDS)
    ]
    if not record.evaluations:
        return
    if len(record.evaluations) > max(3, MOST_PASSES * record.count) or not passes:
        yield Unchecked("no validation pass could be compared with the training examples")
        return
    given = next((each.inputs[0] for each in record.samples if each.inputs), None)
    if given is None or not record.looked_rows or len(given.shape) < 2:
        return
    last = passes[-1]
    overlap, whole = _overlap(record, last)
    if last.seen_rows < FEWEST_SEEN + _by_nature(record, given, passes) or overlap < FEWEST:
        return
    if overlap > 0.9 and last.examples >= WHOLE * whole:
        yield Note("Passes without gradients go over the training examples only.")
        return
    if _dispersion(last) > MOST_DISPERSION:
        yield Note("Some passes without gradients go over training examples, others do not.")
        return
    yield _finding(
        "validation",
        0.93,
        {
            "validation examples looked up": last.rows,
            "of these known from training": last.seen_rows,
            "training examples looked at": record.different_rows,
            "share of validation that is trained on, about": overlap,
        },
        "Split before anything else, above all before copying or augmenting examples, and train "
        "on the rest only: order = torch.randperm(len(x)); train, valid = order[400:], "
        "order[:400]; drop duplicates first.",
    )


def _overlap(record: Record, last: Evaluation) -> tuple[float, float]:
    """Return the share of validation that is trained on, and the size of the training set.

    Only some training examples were looked at. How often the same ones came again tells how many
    there are, as with marked fish; a loader knows.
    """
    looked, different = record.looked_rows, record.different_rows
    sizes = [each.examples for each in record.loaders if each.examples and each.is_shuffled]
    if sizes:
        whole = float(max(sizes))
    elif looked > RETURNED * different:
        whole = _population(looked, different)
    else:
        # Passes usually come once in each round over the training set.
        first = record.evaluations[0].step
        whole = float(sum(row.examples for row in record.steps if row.step <= first))
    whole = max(whole, float(different))
    known = min(1.0, different / whole)
    return min(1.0, last.seen_rows / last.rows / known), whole


def _population(looked: int, different: int) -> float:
    """Return of how many so many draws have so many different ones."""
    low, high = float(different), 1e9
    for _ in range(60):
        middle = math.sqrt(low * high)
        if middle * -math.expm1(-looked / middle) < different:
            low = middle
        else:
            high = middle
    return low


def _by_nature(record: Record, given: InputFacts, passes: list[Evaluation]) -> float:
    """Return how many validation examples may have an equal one in training by chance.

    How often two examples are equal is told by pairs from the first round over the training
    set, in which none comes twice; with three more than were met, so that chance rarely gives so
    many.
    """
    entries = math.prod(given.shape[1:])
    bits = entries * _bits(given)
    is_continuous = given.distinct > CONTINUOUS * min(4096, math.prod(given.shape))
    if given.type.startswith("float") and (bits >= FEWEST_BITS or (is_continuous and entries > 2)):
        return 0.0
    first = passes[0].step
    rows = [row for step, each in _seen.rows(record) if step <= first for row in each]
    pairs = len(rows) * (len(rows) - 1) / 2
    if not pairs:
        return math.inf
    equal = sum(count * (count - 1) / 2 for count in Counter(rows).values())
    return 2 * passes[-1].rows * min(1.0, record.different_rows * (equal + 3) / pairs)


def _bits(given: InputFacts) -> float:
    """Return how much an entry may tell, at most; of two values, the rare one comes rarely."""
    if given.distinct != 2 or given.moments is None:
        return math.log2(max(1, given.distinct))
    reach = given.moments.high - given.moments.low
    share = (given.moments.mean - given.moments.low) / reach if reach > 0 else 0.0
    return entropy([share, 1 - share]) / math.log(2)


def _dispersion(last: Evaluation) -> float:
    """Return how much more the known ones vary between forward passes than by chance."""
    rows = sum(each for each, _ in last.by_forward)
    share = sum(each for _, each in last.by_forward) / max(1, rows)
    if len(last.by_forward) < 2 or not 0 < share < 1:
        return 0.0
    terms = [(s - n * share) ** 2 / (n * share * (1 - share)) for n, s in last.by_forward if n]
    return sum(terms) / (len(terms) - 1) if len(terms) > 1 else 0.0


def _finding(where: str, confidence: float, evidence: dict, remedy: str) -> Finding:
    return Finding(
        fault="leakage",
        where=where,
        severity="error",
        confidence=confidence,
        evidence=evidence,
        remedy=Remedy(remedy),
    )
