"""Names and numbers of the page, as people say them."""

from typing import Any

import numpy as np

from thalweg._core import formats
from thalweg.data import Target

_METRICS = {
    "top5_accuracy": "top-5 accuracy",
    "f1": "F1",
    "auroc": "area under ROC",
    "mae": "mean absolute error",
    "rmse": "RMS error",
    "r2": "R²",
    "errors": "mistakes",
}
_SHARES = frozenset({"accuracy", "top5_accuracy", "exact_match"})


def metric_name(metric: str) -> str:
    """Return what a metric is called in a sentence.

    Example:
        >>> [metric_name(name) for name in ("top5_accuracy", "calibration_error", "mae[age]")]
        ['top-5 accuracy', 'calibration error', 'mean absolute error of age']
    """
    name, bracket, column = metric.partition("[")
    words = _METRICS.get(name, name.replace("_", " "))
    return formats.plain(f"{words} of {column.removesuffix(']')}" if bracket else words)


def metric_value(metric: str, value: float) -> str:
    """Return a metric as per cent where it is a share of examples, else as a number.

    Example:
        >>> metric_value("accuracy", 0.98148), metric_value("loss", 0.07215)
        ('98.15 %', '0.07215')
    """
    return formats.percent(value) if metric in _SHARES else formats.figure(value)


def several(number: int, noun: str, plural: str | None = None) -> str:
    """Return a count with its noun.

    Example:
        >>> several(1, "epoch"), several(1200, "epoch")
        ('1 epoch', '1,200 epochs')
    """
    return f"{formats.count(number)} {noun if number == 1 else plural or noun + 's'}"


def cell(value: Any) -> str:
    """Return a value for a table: numbers with four digits, everything else on one line."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return formats.figure(value)
    return formats.plain(value, longest=80)


def answer_in_words(target: Target, answer: Any) -> str:
    """Return a target, or a network's answer in its form, as a person would say it.

    Args:
        target: What is predicted.
        answer: Of one example: a class number, indicators (labels,) or numbers (numbers,).

    Example:
        >>> answer_in_words(Target("category", ("digit",), ("zero", "one")), 1)
        'one'
    """
    if target.kind == "category":
        return formats.plain(target.classes[int(answer)], longest=40)
    if target.kind == "number":
        return ", ".join(formats.figure(float(number)) for number in answer)
    labels = [str(target.classes[index]) for index in np.flatnonzero(answer)]
    return formats.plain(", ".join(labels) or "none")
