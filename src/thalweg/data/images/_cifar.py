"""CIFAR-10 and CIFAR-100 in their binary version: a label and a picture per record.

A record is one byte for the class (CIFAR-100: one for the coarse, one for the fine class) and
3 × 32 × 32 bytes of red, green and blue.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from jaxtyping import UInt8

from thalweg._core import formats
from thalweg._core.choices import Choice
from thalweg._core.reading import read
from thalweg.data._source import Raw, Source, sources
from thalweg.data.images._images import ImageInputs
from thalweg.errors import DataError, SettingError

SHAPE = (3, 32, 32)
PIXELS = 3 * 32 * 32
BATCHES = 5


@dataclass(frozen=True)
class _Layout:
    """Where one of the two sets keeps what."""

    train: str
    """Pattern of the files to train on."""
    test: str
    names: dict[str, str]
    """File with the names of the classes, for each label of a record, in order."""


CIFAR10 = _Layout("data_batch_*.bin", "test_batch.bin", {"class": "batches.meta.txt"})
CIFAR100 = _Layout(
    "train.bin",
    "test.bin",
    {"coarse": "coarse_label_names.txt", "fine": "fine_label_names.txt"},
)
MOST_CLASSES = {"class": 10, "coarse": 20, "fine": 100}


def _accepts(data: Any) -> bool:
    return isinstance(data, (str, Path)) and (
        _layout(Path(data)) is not None or _is_pickled(Path(data))
    )


def _read(data: Any, target: Any = None, *, labels: Literal["fine", "coarse"] | None = None) -> Raw:
    folder = Path(data)
    layout = _layout(folder)
    if layout is None:
        raise DataError(
            f"{formats.plain(folder)} holds CIFAR's Python version, whose files are pickles and "
            "can run code. Fetch the binary version instead."
        )
    if target is not None:
        raise SettingError("CIFAR has its classes within: leave out target=.")
    kind = _kind(layout, labels)
    files = [(path, "train") for path in sorted(folder.glob(layout.train))]
    files += [(path, "test") for path in folder.glob(layout.test)]
    records = [_records(path, len(layout.names)) for path, _ in files]
    lengths = [len(one) for one in records]
    joined = np.concatenate(records)
    numbers = joined[:, list(layout.names).index(kind)]
    parts = np.repeat([part for _, part in files], lengths)
    choices = []
    found = sum(part == "train" for _, part in files)
    if layout is CIFAR10 and found < BATCHES:
        reason = f"only {found} of {BATCHES} training files are there"
        choices.append(Choice("batches", found, reason))
    if layout is CIFAR100 and labels is None:
        choices.append(Choice("labels", kind, "CIFAR-100 has coarse and fine classes"))
    return Raw(
        inputs=ImageInputs(joined[:, len(layout.names) :].reshape(-1, *SHAPE)),
        targets=_named(numbers, folder / layout.names[kind], MOST_CLASSES[kind]),
        names=tuple(
            f"{path.name} {row}"
            for (path, _), length in zip(files, lengths, strict=True)
            for row in range(length)
        ),
        target_names=("class",),
        parts=parts if len(set(parts)) > 1 else None,
        choices=choices,
    )


sources.register("cifar", summary="a folder with CIFAR-10 or CIFAR-100 in its binary version")(
    Source(_accepts, _read)
)


def _layout(folder: Path) -> _Layout | None:
    """Return which of the two sets a folder holds."""
    try:
        names = {path.name for path in folder.iterdir()}
    except OSError:
        return None
    if any(Path(name).match(CIFAR10.train) for name in names):
        return CIFAR10
    # "train.bin" is a common name, so that it takes the file of names beside it.
    if "train.bin" in names and names & set(CIFAR100.names.values()):
        return CIFAR100
    return None


def _is_pickled(folder: Path) -> bool:
    try:
        return (folder / "data_batch_1").is_file() and (folder / "batches.meta").is_file()
    except OSError:
        return False


def _kind(layout: _Layout, labels: str | None) -> str:
    """Return which label of a record is the target."""
    if layout is CIFAR10:
        if labels is not None:
            raise SettingError(f"CIFAR-10 has one kind of label, so leave out labels={labels!r}.")
        return "class"
    if labels not in (None, "fine", "coarse"):
        raise SettingError(f"labels must be 'fine' or 'coarse', got {labels!r}.")
    return labels or "fine"


def _records(path: Path, labels: int) -> UInt8[np.ndarray, "records bytes"]:
    """Return the records of one file.

    Raises:
        DataError: It is not a whole number of records long.
    """
    wide = labels + PIXELS
    try:
        values = np.frombuffer(read(path), dtype=np.uint8)
    except OSError as error:
        reason = error.strerror or error
        raise DataError(f"cannot read {formats.plain(path)}: {reason}.") from error
    if not len(values) or len(values) % wide:
        raise DataError(
            f"{formats.plain(path)} must hold records of {formats.count(wide)} bytes, got "
            f"{formats.count(len(values))} bytes, so it is cut short or no CIFAR file. "
            "Fetch it again."
        )
    return values.reshape(-1, wide)


def _named(numbers: np.ndarray, path: Path, most: int) -> np.ndarray:
    """Return the classes by name, or as numbers where the file of names is missing."""
    if numbers.max() >= most:
        row = int(np.argmax(numbers >= most))
        raise DataError(
            f"record {row} has the class {numbers[row]}, but there are only {most}: the files "
            f"in {formats.plain(path.parent)} are damaged or of another kind."
        )
    if not path.is_file():
        return numbers.astype(np.int64)
    names = path.read_text(encoding="utf-8", errors="replace").split()
    if len(names) <= numbers.max():
        raise DataError(
            f"{formats.plain(path)} must name every class up to {numbers.max()}, got "
            f"{len(names)} names. Fetch it again."
        )
    return np.array(names, dtype=object)[numbers]
