"""Targets as people hand them over, as an array with one entry or row per example."""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from thalweg._core import formats
from thalweg.errors import DataError, ShapeError


def as_targets(target: Any, examples: int) -> np.ndarray:
    """Return targets as an array with one entry or row per example.

    Raises:
        DataError: None were given, or their number differs from the number of examples.
    """
    if target is None:
        raise DataError("a target is needed beside the inputs: tw.load(X, y).")
    if isinstance(target, (str, int, float)):
        raise DataError(
            "targets must be an array, one entry per example: tw.load(X, y); got "
            f"{formats.plain(repr(target))}. Columns have names in data frames and files only."
        )
    is_list = isinstance(target, (list, tuple))
    if is_list and any(isinstance(labels, (set, frozenset)) for labels in target):
        values = _as_objects(target)
    else:
        try:
            values = to_numpy(target)
        except ValueError:  # label lists of differing lengths
            values = _as_objects(target)
        if is_list and values.dtype.kind == "U":
            # NumPy would write NaN among texts as the text "nan".
            values = _as_objects(target)
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.ndim not in (1, 2) or len(values) != examples:
        raise ShapeError(
            f"targets must have one entry per example, {examples} in all, got shape {values.shape}."
        )
    return values


def per_example(values: Any, examples: int, name: str) -> np.ndarray | None:
    """Return an option that has one entry per example, where it is given.

    Raises:
        ShapeError: There are more or fewer entries.
    """
    if values is None:
        return None
    entries = to_numpy(values)
    if entries.shape != (examples,):
        raise ShapeError(
            f"{name} must have one entry per example, {examples} in all, got shape {entries.shape}."
        )
    return entries


def to_numpy(data: Any) -> np.ndarray:
    """Return a tensor from any device, or anything that NumPy reads, as an array.

    Masked entries become NaN.
    """
    if isinstance(data, Tensor):
        data = data.detach().cpu()
        # NumPy has no bfloat16.
        return (data.float() if data.dtype == torch.bfloat16 else data).numpy()
    if np.ma.is_masked(data):
        return np.ma.filled(data.astype(np.float64), np.nan)
    return np.asarray(data)


def is_missing(values: np.ndarray) -> np.ndarray:
    """Return True where an example has no target: None, NaN, or an empty string."""
    if values.dtype.kind == "f":
        return np.asarray(np.isnan(as_columns(values)).any(axis=1))
    if values.dtype.kind not in "OU":
        return np.zeros(len(values), dtype=bool)
    rows = as_columns(values).tolist()
    return np.array([any(map(_is_nothing, row)) for row in rows], dtype=bool)


def as_columns(values: np.ndarray) -> np.ndarray:
    """Return targets as rows, of one entry where there is one per example."""
    return values.reshape(len(values), -1)


def _as_objects(entries: Any) -> np.ndarray:
    return np.fromiter(entries, dtype=object, count=len(entries))


def _is_nothing(value: Any) -> bool:
    if value is None or (isinstance(value, str) and not value.strip()):
        return True
    try:
        return bool(value != value)  # NaN, and NumPy's and pandas' "not a time"
    except TypeError:  # pandas' NA refuses to be true or false
        return True
    except ValueError:  # so does an array, of labels
        return False
