"""What is to be predicted: classes, several labels at once, or numbers."""

import math
from dataclasses import asdict, dataclass
from typing import Any, Literal, Self

import numpy as np
import torch
from jaxtyping import Shaped
from torch import Tensor

from thalweg._core import formats
from thalweg._core.choices import Choice
from thalweg._core.plain_data import rebuilt
from thalweg.data._target_values import as_columns
from thalweg.errors import DataError, ShapeError

Kind = Literal["category", "multilabel", "number"]
KINDS: tuple[Kind, ...] = ("category", "multilabel", "number")

# Whole numbers with more distinct values than this are quantities, not class numbers.
MOST_CLASSES = 100
# Rows per distinct value below which a whole number is a quantity: each "class" would be a row.
FEWEST_PER_CLASS = 2
# Share of a number's range that rounding to float32 may cost: far below what a network resolves.
LARGEST_LOSS = 1e-3


@dataclass(frozen=True)
class Target:
    """What is to be predicted, and how it is written as numbers."""

    kind: Kind
    names: tuple[str, ...]
    """The target column; for several numbers, each column."""
    classes: tuple[str | int | float | bool, ...] = ()
    """The classes as the user writes them; position is the class number."""
    counts: tuple[int, ...] = ()
    """Training examples of each class."""
    mean: tuple[float, ...] = ()
    """Of each number, on the training part."""
    scale: tuple[float, ...] = ()
    """Standard deviation of each number, on the training part."""

    def encode(self, values: np.ndarray) -> Shaped[Tensor, "examples ..."]:
        """Return class numbers, a row of indicators, or a row of numbers for each example.

        Raises:
            DataError: A class that training did not have.
        """
        if self.kind == "number":
            return torch.from_numpy(as_columns(values).astype(np.float32))
        if self.kind == "multilabel" and values.ndim == 2:
            return torch.from_numpy(values.astype(np.float32))
        index = {label: number for number, label in enumerate(self.classes)}
        try:
            if self.kind == "category":
                return torch.tensor([index[_plain(value)] for value in values], dtype=torch.long)
            indicators = torch.zeros(len(values), len(self.classes))
            for row, labels in enumerate(_label_sets(values)):
                indicators[row, [index[label] for label in labels]] = 1.0
        except KeyError as error:
            raise DataError(
                f"target {self.names[0]!r} has the class {formats.plain(repr(error.args[0]))}, "
                f"which training did not have. Known: {formats.plain(list(self.classes))}."
            ) from None
        return indicators

    def to_json(self) -> dict[str, Any]:
        """Return the target as plain data."""
        return {name: list(v) if isinstance(v, tuple) else v for name, v in asdict(self).items()}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """Rebuild a target from `to_json`.

        Raises:
            ValueError, TypeError: The data are no target.
        """
        target = rebuilt(cls, data)
        numbers = len(target.names) if target.kind == "number" else 0
        classes = len(target.classes)
        found = (classes, len(target.counts), len(target.mean), len(target.scale))
        if not target.names or found != (classes, classes, numbers, numbers):
            raise ValueError("the target's classes, counts and moments are not as many as needed")
        if len(set(target.classes)) < classes or (classes == 0) != (target.kind == "number"):
            raise ValueError("the target's classes must differ, and only numbers have none")
        if not all(math.isfinite(each) for each in (*target.mean, *target.scale)):
            raise ValueError("the target's moments must be finite")
        return target

    def __str__(self) -> str:
        if self.kind == "number":
            return f"{len(self.names)} number{'s' * (len(self.names) > 1)}"
        return f"{len(self.classes)} {'classes' if self.kind == 'category' else 'labels'}"


def infer_target(
    values: np.ndarray, names: tuple[str, ...], kind: Kind | None = None
) -> tuple[Target, Choice | None]:
    """Return what the target is, without the counts and moments, and why.

    Args:
        values: Targets of every part, none missing.
        names: The target's columns.
        kind: What the user says it is; by default it is read off the values.

    Raises:
        DataError: One class only, a constant number, or values that fit no kind.
    """
    choice = None
    if values.dtype.kind in "mM":
        raise DataError(f"target {names[0]!r} holds times. Pass numbers, such as days, instead.")
    if values.dtype.kind == "c":
        raise DataError(f"target {names[0]!r} is complex. Pass its two parts as numbers.")
    if kind is None:
        kind, reason = _kind_of(values)
        choice = Choice("target", kind, f"{', '.join(names)}: {reason}")
    infer = {"number": _numbers, "multilabel": _multilabel, "category": _category}[kind]
    return infer(values, names), choice


def with_statistics(target: Target, values: np.ndarray) -> Target:
    """Return the target with what is learned from the training part: counts or moments."""
    encoded = target.encode(values)
    plain = asdict(target)
    if target.kind == "number":
        numbers = encoded.double()
        scale = numbers.std(dim=0, correction=0)
        plain["mean"] = tuple(numbers.mean(dim=0).tolist())
        plain["scale"] = tuple(torch.where(scale > 0, scale, 1.0).tolist())
    elif target.kind == "category":
        plain["counts"] = tuple(torch.bincount(encoded, minlength=len(target.classes)).tolist())
    else:
        plain["counts"] = tuple(int(total) for total in encoded.sum(dim=0).tolist())
    return Target(**plain)


def _kind_of(values: np.ndarray) -> tuple[Kind, str]:
    """Return the kind that the values look like, and the reason."""
    if values.ndim == 2 and values.shape[1] > 1:
        if values.dtype.kind in "biuf" and np.isin(values, (0, 1)).all():
            reason = f"{values.shape[1]} columns of zeros and ones"
            if (values.sum(axis=1) == 1).all():
                reason += "; every row has a single one, so y.argmax(axis=1) would give classes"
            return "multilabel", reason
        return "number", f"{values.shape[1]} columns of numbers"
    if values.dtype == object and isinstance(values[0], (set, frozenset, list, tuple)):
        return "multilabel", "a set of labels per example"
    if values.dtype == object and all(type(value) in (int, float) for value in values):
        try:
            values = values.astype(np.float64)  # they lay beside a None
        except OverflowError:
            raise DataError(
                "targets have numbers of hundreds of digits. Pass kind='category' if they are "
                "names, or their logarithms."
            ) from None
    if values.dtype.kind not in "fiu":
        return "category", f"{len(set(map(_plain, values)))} distinct values that are not numbers"
    distinct = len(np.unique(values))
    if values.dtype.kind == "f" and not (values == np.round(values)).all():
        return "number", f"{formats.count(distinct)} distinct values, not whole numbers"
    if distinct <= MOST_CLASSES and len(values) >= FEWEST_PER_CLASS * distinct:
        return "category", f"{distinct} distinct whole numbers in {formats.count(len(values))} rows"
    return "number", f"{formats.count(distinct)} distinct numbers"


def _numbers(values: np.ndarray, names: tuple[str, ...]) -> Target:
    """Return the target of a regression, checked to be finite and to vary."""
    try:
        numbers = as_columns(values).astype(np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise DataError(
            f"target {names[0]!r} must be numbers for regression: {formats.plain(error)}."
        ) from None
    wide = numbers.shape[1]
    names = names if len(names) == wide else _numbered(names[0], wide)
    for name, column in zip(names, numbers.T, strict=True):
        if not np.isfinite(column).all():
            row = int(np.flatnonzero(~np.isfinite(column))[0])
            raise DataError(f"target {name!r} must be finite, got infinity at example {row}.")
        if (column == column[0]).all():
            raise DataError(
                f"target {name!r} is {column[0]:g} in every example, so there is nothing to "
                "learn. Choose another target."
            )
        with np.errstate(over="ignore"):
            lost = np.abs(column.astype(np.float32) - column).max()
        if lost > LARGEST_LOSS * np.ptp(column):
            raise DataError(
                f"target {name!r} varies too little beside its size ({column[0]:g}) for float32. "
                "Subtract its mean, or rescale it, first."
            )
    return Target("number", names)


def _multilabel(values: np.ndarray, names: tuple[str, ...]) -> Target:
    name = names[0]
    if values.ndim == 2:
        if not np.isin(values, (0, 1)).all():
            raise DataError(f"target {name!r} must hold zeros and ones, a column per label.")
        wide = values.shape[1]
        return Target("multilabel", (name,), names if len(names) == wide else _numbered(name, wide))
    if not all(isinstance(labels, (set, frozenset, list, tuple)) for labels in values):
        raise DataError(
            f"target {name!r} must hold a set of labels per example, or zeros and ones in a column "
            f"per label, got {formats.plain(repr(values[0]))}."
        )
    sets = [set(labels) for labels in _label_sets(values)]
    labels = set().union(*sets)
    if not labels:
        raise DataError(f"target {name!r} has no label in any example. Choose another target.")
    if all(each == labels for each in sets):
        raise DataError(
            f"target {name!r} has the same labels in every example, so there is nothing to learn. "
            "Choose another target."
        )
    return Target("multilabel", (name,), _in_order(labels))


def _category(values: np.ndarray, names: tuple[str, ...]) -> Target:
    name = names[0]
    if values.ndim == 2:
        raise ShapeError(
            f"target {name!r} must have one class per example, got shape {values.shape}. "
            "For one-hot rows, pass y.argmax(axis=1)."
        )
    classes = _in_order({_plain(value) for value in values})
    if len(classes) < 2:
        only = f"only the class {formats.plain(repr(classes[0]))}" if classes else "no values"
        raise DataError(
            f"target {name!r} has {only}. At least two classes are needed. Choose another target."
        )
    return Target("category", (name,), classes)


def _in_order(labels: set[Any]) -> tuple[Any, ...]:
    return tuple(sorted(labels, key=lambda label: (str(type(label)), label)))


def _numbered(name: str, number: int) -> tuple[str, ...]:
    return tuple(f"{name} {index}" for index in range(number)) if number > 1 else (name,)


def _plain(value: Any) -> str | int | float | bool:
    """Return a class as a plain Python value that JSON gives back unchanged."""
    if isinstance(value, np.generic):
        value = value.item()
    elif isinstance(value, np.ndarray):
        value = value.reshape(-1)[0].item()
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if isinstance(value, (bool, int, float, str)) else str(value)


def _label_sets(values: np.ndarray) -> list[list[Any]]:
    return [[_plain(label) for label in labels] for labels in values]
