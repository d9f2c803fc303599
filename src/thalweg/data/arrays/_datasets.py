"""torch's map-style data sets, read into memory once."""

from typing import Any

import numpy as np
from torch import Tensor
from torch.utils.data import Dataset, IterableDataset

from thalweg._core import formats, seeds
from thalweg._core.choices import Choice
from thalweg.data._source import Raw, Source, find_source, sources
from thalweg.errors import DataError, SettingError, ShapeError

# What somebody's way of reading an example may meet, so that the example can be named.
FAILURES = (
    *(OSError, ValueError, TypeError, LookupError, RuntimeError, ArithmeticError),
    *(AttributeError, EOFError, MemoryError),
)


def _accepts(data: Any) -> bool:
    return isinstance(data, Dataset)


def _read(data: Any, target: Any, *, seed: int = 0) -> Raw:
    """Stack every (x, y); from there on they are arrays like any other.

    What is random in them is drawn by the seed of the split, so that a run finds its data again.
    """
    if target is not None:
        raise SettingError("a torch Dataset brings its targets along; pass tw.load(dataset) alone.")
    name = formats.plain(type(data).__name__)
    if isinstance(data, IterableDataset) or not hasattr(data, "__len__"):
        raise DataError(
            f"{name} must have a length and be indexable, so that it can be split. Collect its "
            "examples into arrays and pass tw.load(X, y)."
        )
    try:
        length = len(data)
    except (TypeError, ValueError, OverflowError) as error:
        raise DataError(f"the length of {name} must be a whole number: {error}.") from error
    if length == 0:
        raise DataError(f"{name} must hold examples, got none.")
    with seeds.isolated(seed, "load"):
        inputs, targets = _columns(data, length, name)
    values = np.stack(inputs)
    raw = sources[find_source(values)].read(values, np.stack(targets))
    reason = "every example was read once; a random transform in it is not drawn anew"
    raw.choices = [Choice("inputs", "in memory", f"{name}: {reason}"), *raw.choices]
    return raw


def _columns(data: Any, length: int, name: str) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Return the inputs and the targets of all examples, each of one shape."""
    inputs: list[np.ndarray] = []
    targets: list[np.ndarray] = []
    for index in range(length):
        item = _item(data, index, length, name)
        if not isinstance(item, (tuple, list)) or len(item) != 2:
            raise DataError(
                f"{name} must give pairs (input, target), got {_called(item)} at index {index}."
            )
        for what, column, value in zip(("inputs", "targets"), (inputs, targets), item, strict=True):
            column.append(_as_array(value))
            if column[-1].shape != column[0].shape:
                raise ShapeError(
                    f"the {what} of {name} must have one shape, got {column[0].shape} at index 0 "
                    f"and {column[-1].shape} at index {index}. Make them equal in its transform."
                )
    return inputs, targets


def _item(data: Any, index: int, length: int, name: str) -> Any:
    try:
        return data[index]
    except IndexError as error:
        raise DataError(
            f"{name} says that it holds {length} examples, but has none at index {index} "
            f"({formats.plain(error)}). Correct its __len__ or its __getitem__."
        ) from error
    except FAILURES as error:
        raise DataError(
            f"the example at index {index} of {name} cannot be read: {type(error).__name__}: "
            f"{formats.plain(error)}. Leave it out, or mend what reads it."
        ) from error


def _as_array(value: Any) -> np.ndarray:
    """Return a tensor, an array, a number, a string or a Pillow image as an array."""
    return value.detach().cpu().numpy() if isinstance(value, Tensor) else np.asarray(value)


def _called(item: Any) -> str:
    size = f" of {len(item)}" if isinstance(item, (tuple, list)) else ""
    return f"a {type(item).__name__}{size}"


sources.register("dataset", summary="a torch Dataset that gives (input, target)")(
    Source(_accepts, _read)
)
