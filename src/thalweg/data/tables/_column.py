"""What a column of a table is once it is learned, and those that teach nothing."""

from abc import ABC, abstractmethod
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

import numpy as np
import polars as pl
from jaxtyping import Float

from thalweg._core import formats
from thalweg.data.tables._cells import Reading
from thalweg.errors import DataError

# Each is read by itself, which takes about 5 ms: this many, two minutes.
MOST_COLUMNS = 20_000


@dataclass(frozen=True)
class Column(ABC):
    """One column of a table, as learned."""

    kind: ClassVar[str]

    name: str

    @property
    @abstractmethod
    def features(self) -> list[str]:
        """What each feature that the column becomes is called."""

    @abstractmethod
    def encode(self, cells: pl.Series) -> Float[np.ndarray, "examples features"]:
        """Return the column's features."""

    @abstractmethod
    def decode(self, features: Float[np.ndarray, " features"]) -> float | str:
        """Return one example's cell, as well as its features tell."""

    @abstractmethod
    def describe(self) -> dict[str, Any]:
        """Return the column's row of the data card."""

    @property
    def reading(self) -> Reading:
        """How cells met at prediction are read."""
        return Reading(self.name, self.kind)  # type: ignore[arg-type]

    def to_json(self) -> dict[str, Any]:
        """Return what was learned, as plain data."""
        return {"kind": self.kind, **asdict(self)}


@dataclass(frozen=True)
class DroppedColumn(Column):
    """Not a feature."""

    kind = "dropped"

    reason: str

    @property
    def features(self) -> list[str]:
        return []

    def encode(self, cells: pl.Series) -> Float[np.ndarray, "examples features"]:
        return np.zeros((len(cells), 0), dtype=np.float32)

    def decode(self, features: Float[np.ndarray, " features"]) -> float | str:
        raise AssertionError("a dropped column has no features")

    def describe(self) -> dict[str, Any]:
        return {"name": self.name, "kind": self.kind, "reason": self.reason}


def check_width(columns: int) -> None:
    """Refuse a table with too many columns to be looked at one by one.

    Raises:
        DataError: It has.
    """
    if columns > MOST_COLUMNS:
        raise DataError(
            f"a table may have {formats.count(MOST_COLUMNS)} columns, got "
            f"{formats.count(columns)}. Pass so many numbers as an array: tw.load(X, y)."
        )


def quoted(names: list[str]) -> str:
    """Return names of columns for a message.

    Example:
        >>> quoted(["age", "sex"])
        "'age', 'sex'"
    """
    shown = [formats.plain(repr(name), longest=60) for name in names]
    return formats.plain(", ".join(shown), longest=300)
