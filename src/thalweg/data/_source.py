"""Where data come from: each kind of source recognizes what it can read."""

import inspect
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from thalweg._core import formats
from thalweg._core.choices import Choice
from thalweg._core.option_types import WORDS, misfit
from thalweg._core.registry import Registry, did_you_mean
from thalweg.data._inputs import Inputs
from thalweg.errors import DataError, DataNotFoundError, SettingError


@dataclass
class Raw:
    """What a source gives: examples as they are, before any split."""

    inputs: Inputs
    targets: np.ndarray
    """One entry (or row) per example: numbers, strings or, for several labels at once, sets.
    A missing one is None or NaN."""
    names: tuple[str, ...]
    """What a person calls each example: a file name, a row number."""
    target_names: tuple[str, ...] = ("target",)
    parts: np.ndarray | None = None
    """"train", "valid" or "test" per example, where the source fixes the split."""
    groups: np.ndarray | None = None
    """Examples of one group stay on one side of the split."""
    times: np.ndarray | None = None
    """What to sort by for a split by time."""
    choices: list[Choice] = field(default_factory=list)

    def select(self, rows: np.ndarray) -> "Raw":
        """Return the examples at these positions."""

        def pick(array: np.ndarray | None) -> np.ndarray | None:
            return None if array is None else array[rows]

        return Raw(
            inputs=self.inputs.select(rows),
            targets=self.targets[rows],
            names=tuple(self.names[row] for row in rows),
            target_names=self.target_names,
            parts=pick(self.parts),
            groups=pick(self.groups),
            times=pick(self.times),
            choices=self.choices,
        )


@dataclass(frozen=True)
class Source:
    """One kind of source.

    `read(data, target, **options)` takes what the user named, and the target: an array,
    the name of a column (or several), or None. Its keyword-only parameters are the options
    that `tw.load` accepts for this source.
    """

    accepts: Callable[[Any], bool]
    read: Callable[..., Raw]
    needs: str | None = None
    """An option without which the source is not asked: "images" makes a table one of pictures."""


sources: Registry[Source] = Registry("source of data")
"""Every source, asked in order of registration."""


def find_source(data: Any, options: Collection[str] = ()) -> str:
    """Return the name of the first source that accepts the data with these options.

    Raises:
        DataError: None does.
    """
    is_path = isinstance(data, (str, Path))
    if "\0" in (str(data) if is_path else ""):
        raise DataNotFoundError(f"there is no file {_called(data)}: no name has a zero byte.")
    exists = is_path and _exists(data)
    # A source that needs an option was meant, where the option is given.
    for entry in sorted(sources, key=lambda entry: entry.value.needs is None):
        source = entry.value
        if (source.needs is None or source.needs in options) and source.accepts(data):
            return entry.name
    if is_path and not exists:
        name = formats.plain(repr(str(data)))
        raise DataNotFoundError(
            f"there is no file, folder or builtin data set {name}. See thalweg data."
        )
    if is_path:
        raise DataError(f"cannot load {_called(data)}. {_advice(Path(data))}")
    known = "; ".join(entry.summary for entry in sources)
    raise DataError(f"cannot load {_called(data)}. What can be loaded: {known}.")


# What to do with files that people have and that nobody reads here.
ADVICE = {
    (".npy",): "Put inputs and targets into one file: np.savez('data.npz', x=x, y=y).",
    (".xlsx", ".xls", ".ods", ".numbers"): "Save the sheet as CSV.",
    (".json", ".jsonl", ".feather", ".arrow", ".h5", ".hdf5", ".mat", ".sqlite", ".db"): (
        "Write it as CSV or Parquet, or read it into a data frame: tw.load(frame, 'target')."
    ),
    (".zip", ".tar", ".tgz", ".bz2", ".xz", ".zst", ".7z", ".rar"): "Unpack it first.",
    (".pkl", ".pickle", ".pt", ".pth", ".joblib"): (
        "A pickle runs what is in it when it is read, and so it is not. Write arrays as .npz, "
        "tables as CSV or Parquet."
    ),
}


def _advice(path: Path) -> str:
    for suffixes, advice in ADVICE.items():
        if path.suffix.lower() in suffixes:
            return advice
    return (
        "Files that can be: .csv, .tsv and .txt, also as .gz, .parquet, .npz and IDX; and folders "
        "of pictures. See thalweg data."
    )


def check_options(read: Callable[..., Any], options: Mapping[str, Any], noun: str) -> None:
    """Refuse options that a reader does not take; one with `**options` checks them itself.

    Raises:
        SettingError: With the nearest known option, or what kind of value one needs.
    """
    parameters = inspect.signature(read).parameters
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values()):
        return
    known = [
        name for name, parameter in parameters.items() if parameter.kind is parameter.KEYWORD_ONLY
    ]
    for name in options:
        if name not in known:
            hint = did_you_mean(name, known) if known else "It takes no options."
            raise SettingError(f"{noun} has no option {name!r}. {hint}")
        if needed := misfit(parameters[name].annotation, options[name]):
            got, value = formats.plain(repr(options[name])), options[name]
            is_written = type(value) in (int, float) and needed.startswith(WORDS[str])
            quotes = f" As a text it is written {name}='\"{value}\"'." if is_written else ""
            raise SettingError(f"{name} of {noun} must be {needed}, got {got}.{quotes}")


def _exists(path: str | Path) -> bool:
    try:
        return Path(path).exists()
    except OSError as error:  # too long for a path, or behind a folder that may not be entered
        raise DataError(f"cannot look at {_called(path)}: {error.strerror}.") from None


def _called(data: Any) -> str:
    return (
        formats.plain(repr(str(data)))
        if isinstance(data, (str, Path))
        else f"an object of type {type(data).__name__}"
    )
