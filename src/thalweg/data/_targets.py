"""What is to be predicted: classes, several labels at once, or numbers."""

from dataclasses import asdict, dataclass
from typing import Any, Literal, Self

import numpy as np
import torch
from jaxtyping import Shaped
from torch import Tensor

from thalweg._core import formats
from thalweg._core.choices import Choice
from thalweg.errors import DataError, ShapeError

Kind = Literal["category", "multilabel", "number"]
KINDS: tuple[Kind, ...] = ("category", "multilabel", "number")

# Whole numbers with more distinct values than this are quantities, not class numbers.
MOST_CLASSES = 100
# Rows per distinct value below which a whole number is a quantity: each "class" would be a row.
FEWEST_PER_CLASS = 2


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
        """Return class numbers (examples,), indicators (examples, classes) or numbers
        (examples, numbers).

        Raises:
            DataError: A class that training did not have.
        """
        if self.kind == "number":
            return torch.from_numpy(_as_columns(values).astype(np.float32))
        index = {label: number for number, label in enumerate(self.classes)}
        if self.kind == "category":
            try:
                return torch.tensor([index[_plain(value)] for value in values], dtype=torch.long)
            except KeyError as error:
                raise DataError(
                    f"target {self.names[0]!r} has the class {error.args[0]!r}, which the "
                    f"training part lacks. Known: {formats.plain(list(self.classes))}."
                ) from None
        if values.ndim == 2:
            return torch.from_numpy(values.astype(np.float32))
        indicators = torch.zeros(len(values), len(self.classes))
        for row, labels in enumerate(_label_sets(values)):
            for label in labels:
                indicators[row, index[label]] = 1.0
        return indicators

    def to_json(self) -> dict[str, Any]:
        """Return the target as plain data."""
        return {name: list(v) if isinstance(v, tuple) else v for name, v in asdict(self).items()}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """Rebuild a target from `to_json`."""
        return cls(**{name: tuple(v) if isinstance(v, list) else v for name, v in data.items()})

    def __str__(self) -> str:
        if self.kind == "number":
            return f"{len(self.names)} number{'s' * (len(self.names) > 1)}"
        return f"{len(self.classes)} {'classes' if self.kind == 'category' else 'labels'}"


def as_targets(target: Any, examples: int) -> np.ndarray:
    """Return targets as an array with one entry or row per example.

    Raises:
        DataError: None were given, or their number differs from the number of examples.
    """
    if target is None:
        raise DataError("a target is needed beside the inputs: tw.load(X, y).")
    if isinstance(target, Tensor):
        target = target.detach().cpu().numpy()
    if isinstance(target, (list, tuple)) and target and isinstance(target[0], (set, frozenset)):
        values = np.empty(len(target), dtype=object)
        values[:] = target
    else:
        values = np.asarray(target)
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.ndim not in (1, 2) or len(values) != examples:
        raise ShapeError(
            f"targets must have one entry per example, {examples} in all, got shape {values.shape}."
        )
    return values


def is_missing(values: np.ndarray) -> np.ndarray:
    """Return True where an example has no target: None, NaN, or an empty string."""
    if values.dtype.kind == "f":
        return np.isnan(values) if values.ndim == 1 else np.isnan(values).any(axis=1)
    if values.dtype != object or values.ndim != 1:
        return np.zeros(len(values), dtype=bool)
    return np.array([_is_nothing(value) for value in values], dtype=bool)


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
    if kind is None:
        kind, reason = _kind_of(values)
        choice = Choice("target", kind, f"{', '.join(names)}: {reason}")
    name = names[0]
    if kind == "number":
        numbers = _as_columns(values)
        if numbers.dtype.kind not in "fiub":
            numbers = _as_numbers(numbers, name)
        if not np.isfinite(numbers).all():
            row = int(np.flatnonzero(~np.isfinite(numbers).all(axis=1))[0])
            raise DataError(f"target {name!r} must be finite, got infinity at example {row}.")
        if (numbers == numbers[:1]).all():
            raise DataError(
                f"target {name!r} is {numbers[0, 0]:g} in every example, so there is nothing to "
                "learn. Choose another target."
            )
        wide = numbers.shape[1]
        return Target("number", names if len(names) == wide else _numbered(name, wide)), choice
    if kind == "multilabel":
        if values.ndim == 2:
            classes = names if len(names) == values.shape[1] else _numbered(name, values.shape[1])
            return Target("multilabel", (name,), tuple(classes)), choice
        labels = sorted({label for labels in _label_sets(values) for label in labels})
        return Target("multilabel", (name,), tuple(labels)), choice
    classes = sorted(
        {_plain(value) for value in values}, key=lambda value: (str(type(value)), value)
    )
    if len(classes) < 2:
        only = f"only the class {formats.plain(classes[0])!r}" if classes else "no values"
        raise DataError(f"target {name!r} has {only}. At least two classes are needed.")
    return Target("category", (name,), tuple(classes)), choice


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
            return "multilabel", f"{values.shape[1]} columns of zeros and ones"
        return "number", f"{values.shape[1]} columns of numbers"
    values = values.reshape(len(values), -1)[:, 0] if values.ndim == 2 else values
    if values.dtype == object and isinstance(values[0], (set, frozenset, list, tuple)):
        return "multilabel", "a set of labels per example"
    if values.dtype.kind not in "fiu":
        return "category", f"{len(set(map(_plain, values)))} distinct values that are not numbers"
    distinct = len(np.unique(values))
    if values.dtype.kind == "f" and not (values == np.round(values)).all():
        return "number", f"{formats.count(distinct)} distinct values, not whole numbers"
    if distinct <= MOST_CLASSES and len(values) >= FEWEST_PER_CLASS * distinct:
        return "category", f"{distinct} distinct whole numbers in {formats.count(len(values))} rows"
    return "number", f"{formats.count(distinct)} distinct numbers"


def _as_columns(values: np.ndarray) -> np.ndarray:
    return values.reshape(len(values), -1)


def _as_numbers(values: np.ndarray, name: str) -> np.ndarray:
    try:
        return values.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(f"target {name!r} must be numbers for regression: {error}.") from None


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


def _is_nothing(value: Any) -> bool:
    return value is None or value == "" or (isinstance(value, float) and np.isnan(value))
