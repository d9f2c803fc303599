"""Which classes are taken for which."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Int

from thalweg._core import formats
from thalweg.report._evidence import WORDS, Evidence
from thalweg.report._section import Section
from thalweg.report._wording import several
from thalweg.train import Run

# Classes up to which the whole matrix can be read on a screen.
MOST_CLASSES = 20
# Pairs shown beyond that: a person looks at the first few.
MOST_PAIRS = 20


@dataclass(frozen=True)
class Pair:
    """Examples of one class that were read as another."""

    true: str
    predicted: str
    count: int
    share: float
    """Of the examples of the true class."""


def confusion(run: Run, evidence: Evidence) -> Section | None:
    """Show the confusion matrix, or the most confused pairs of many classes."""
    if run.schema.target.kind != "category":
        return None
    title = "Confusion"
    names = [formats.plain(label, longest=40) for label in run.schema.target.classes]
    pairs = most_confused(evidence.targets, evidence.decided, names)
    matrix = None
    if len(names) <= MOST_CLASSES:
        matrix = _cells(confusion_matrix(evidence.targets, evidence.decided, len(names)))
    wrong = int(evidence.is_wrong.sum())
    sentence = (
        f"{formats.count(wrong)} of {several(len(evidence), f'{WORDS[evidence.part]} example')} "
        f"mistaken"
    )
    if pairs and pairs[0].count > 1:
        first = pairs[0]
        sentence += f"; {formats.count(first.count)} of them read {first.true} as {first.predicted}"
    body = {
        "names": names,
        "pairs": pairs[:MOST_PAIRS],
        "left_out": max(0, len(pairs) - MOST_PAIRS),
        "matrix": matrix,
        "is_narrow": max(map(len, names)) <= 3,
    }
    return Section("confusion", title, f"{sentence}.", body)


def confusion_matrix(
    targets: Int[np.ndarray, " examples"], decided: Int[np.ndarray, " examples"], classes: int
) -> Int[np.ndarray, "classes classes"]:
    """Return how many examples of each class (row) were read as each class (column).

    Example:
        >>> confusion_matrix(np.array([0, 1, 1]), np.array([0, 0, 1]), 2).tolist()
        [[1, 0], [1, 1]]
    """
    pairs = targets * classes + decided
    return np.bincount(pairs, minlength=classes**2).reshape(classes, classes)


def most_confused(
    targets: Int[np.ndarray, " examples"],
    decided: Int[np.ndarray, " examples"],
    names: list[str],
) -> list[Pair]:
    """Return every pair that was confused, the commonest first.

    Example:
        >>> most_confused(np.array([0, 1, 1]), np.array([0, 0, 1]), ["a", "b"])
        [Pair(true='b', predicted='a', count=1, share=0.5)]
    """
    totals = np.bincount(targets, minlength=len(names))
    wrong = targets != decided
    # Counting the pairs that occur, not all that could: a thousand classes have a million.
    pairs, counts = np.unique(
        np.stack([targets[wrong], decided[wrong]], axis=1), axis=0, return_counts=True
    )
    order = np.argsort(-counts, kind="stable")
    return [
        Pair(names[true], names[predicted], count, count / int(totals[true]))
        for true, predicted, count in zip(
            pairs[order, 0].tolist(), pairs[order, 1].tolist(), counts[order].tolist(), strict=True
        )
    ]


def _cells(matrix: Int[np.ndarray, "classes classes"]) -> list[list[tuple[int, int]]]:
    """Return each count with how strongly to colour it, in per cent of the row's examples."""
    totals = np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    # The square root lets a single mistake among many still be seen.
    strength = np.round(100 * np.sqrt(matrix / totals)).astype(int)
    return [
        list(zip(counts, strengths, strict=True))
        for counts, strengths in zip(matrix.tolist(), strength.tolist(), strict=True)
    ]
