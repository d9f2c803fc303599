"""Each class by itself: how many there are, how many were found, how many were right."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Shaped

from thalweg._core import formats
from thalweg.report._evidence import WORDS, Evidence
from thalweg.report._section import Section
from thalweg.train import Run

# Rows of the table; beyond them the classes with the lowest recall are shown.
MOST_CLASSES = 100


@dataclass(frozen=True)
class ClassScore:
    """One class or label."""

    name: str
    count: int
    """Examples that have it."""
    predicted: int
    """Examples said to have it."""
    precision: float | None
    """Share of those said to have it that do; None where none was."""
    recall: float | None
    """Share of those that have it that were said to; None where none has."""


def classes(run: Run, evidence: Evidence) -> Section | None:
    """Tabulate count, precision and recall of every class."""
    if run.schema.target.kind == "number":
        return None
    noun = "label" if run.schema.target.kind == "multilabel" else "class"
    title = "By label" if noun == "label" else "By class"
    names = [formats.plain(label, longest=60) for label in run.schema.target.classes]
    scores = class_scores(evidence.targets, evidence.decided, names)
    present = [score for score in scores if score.recall is not None]
    sentence = f"No example of the {WORDS[evidence.part]} part has any {noun}."
    if present:
        lowest = min(present, key=lambda score: score.recall or 0.0)
        share = formats.percent(lowest.recall or 0.0)
        sentence = (
            f"{noun.capitalize()} {lowest.name} is found least often: {share} of its examples."
        )
    is_cut = len(scores) > MOST_CLASSES
    if is_cut:
        scores = sorted(present, key=lambda score: score.recall or 0.0)[:MOST_CLASSES]
        sentence += f" The {len(scores)} with the lowest recall of {formats.count(len(names))}:"
    return Section("classes", title, sentence, {"scores": scores, "noun": noun})


def class_scores(
    targets: Shaped[np.ndarray, "examples ..."],
    decided: Shaped[np.ndarray, "examples ..."],
    names: Sequence[str],
) -> list[ClassScore]:
    """Return precision and recall of each class.

    Args:
        targets: Class numbers (examples,) or indicators (examples, labels).
        decided: The network's answers, likewise.
        names: Of the classes.

    Example:
        >>> class_scores(np.array([0, 1, 1]), np.array([0, 0, 1]), ["a", "b"])[0].precision
        0.5
    """
    tallies = (
        _tally(targets, np.ones(targets.shape, dtype=bool), len(names)),
        _tally(decided, np.ones(decided.shape, dtype=bool), len(names)),
        _tally(decided, decided == targets, len(names)),
    )
    return [
        ClassScore(
            name=name,
            count=count,
            predicted=claims,
            precision=hits / claims if claims else None,
            recall=hits / count if count else None,
        )
        for name, count, claims, hits in zip(names, *tallies, strict=True)
    ]


def _tally(
    answers: Shaped[np.ndarray, "examples ..."],
    counted: Bool[np.ndarray, "examples ..."],
    classes: int,
) -> list[int]:
    """Return how many of the answers that count name each class."""
    if answers.ndim == 1:
        return np.bincount(answers[counted], minlength=classes).tolist()
    return ((answers > 0) & counted).sum(axis=0).tolist()
