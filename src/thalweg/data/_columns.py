"""How a column of a table becomes features of a network, learned on the training part."""

import math
from abc import ABC, abstractmethod
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar, Self

import numpy as np
import polars as pl
from jaxtyping import Float

from thalweg._core import formats
from thalweg.data._cells import Reading

# Each level costs a feature, and rare levels have too few examples to learn from.
MOST_LEVELS = 32
# A spread within a few rounding errors of float64 is no spread.
ROUNDING = 4 * float(np.finfo(np.float64).eps)

DAY = 86_400.0  # seconds


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
class NumberColumn(Column):
    """Standardized; missing cells are filled with the median and marked by a feature.

    The mark exists where cells were missing in training: a mark that never varied there would
    have an untrained weight.
    """

    kind = "number"

    mean: float
    scale: float
    """Standard deviation of the cells that are present, like the mean."""
    low: float
    high: float
    median: float
    missing: int

    @classmethod
    def fit(cls, cells: pl.Series, reading: Reading) -> "Self | DroppedColumn":
        """Learn the moments of the training part's cells, nulls left out."""
        present = cells.drop_nulls().cast(pl.Float64).to_numpy()
        missing = cells.null_count()
        if not len(present):
            return DroppedColumn(cells.name, "no value in the training part")
        low, high = float(present.min()), float(present.max())
        is_constant = high - low <= ROUNDING * max(abs(low), abs(high))
        if is_constant and not missing:
            return DroppedColumn(cells.name, "constant in the training part")
        return cls(
            name=cells.name,
            mean=float(present.mean()),
            scale=1.0 if is_constant else float(present.std()),
            low=low,
            high=high,
            median=float(np.median(present)),
            missing=missing,
        )

    @property
    def features(self) -> list[str]:
        return [self.name, f"{self.name} is missing"] if self.missing else [self.name]

    def encode(self, cells: pl.Series) -> Float[np.ndarray, "examples features"]:
        numbers = cells.cast(pl.Float64).fill_null(self.median).to_numpy()
        columns = [(numbers - self.mean) / self.scale]
        if self.missing:
            columns.append(cells.is_null().to_numpy())
        return np.column_stack(columns).astype(np.float32)

    def decode(self, features: Float[np.ndarray, " features"]) -> float | str:
        if self.missing and features[1] > 0.5:
            return "missing"
        return float(features[0]) * self.scale + self.mean

    def describe(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "kind": self.kind,
            "missing": self.missing,
            "mean": self.mean,
            "std": self.scale,
            "min": self.low,
            "max": self.high,
        }


@dataclass(frozen=True)
class BooleanColumn(NumberColumn):
    """Zero or one, treated as a number."""

    kind = "boolean"

    def decode(self, features: Float[np.ndarray, " features"]) -> float | str:
        number = super().decode(features)
        return number if isinstance(number, str) else ("true" if number > 0.5 else "false")


@dataclass(frozen=True)
class CategoryColumn(Column):
    """One feature per level, one for "missing" where that occurred; other levels are all zero."""

    kind = "category"

    levels: tuple[str, ...]
    """The most frequent first."""
    counts: tuple[int, ...]
    others: int
    """Training examples of levels that were too rare for a feature."""
    missing: int

    @classmethod
    def fit(cls, cells: pl.Series, reading: Reading) -> "Self | DroppedColumn":
        """Learn the levels in the training part's cells."""
        counts = (
            cells.drop_nulls()
            .value_counts(name="rows")
            .sort(["rows", cells.name], descending=[True, False])
        )
        missing = cells.null_count()
        if counts.is_empty():
            return DroppedColumn(cells.name, "no value in the training part")
        if len(counts) == 1 and not missing:
            return DroppedColumn(cells.name, "constant in the training part")
        kept = counts.head(MOST_LEVELS)
        return cls(
            name=cells.name,
            levels=tuple(kept[cells.name].to_list()),
            counts=tuple(kept["rows"].to_list()),
            others=sum(counts["rows"].to_list()[MOST_LEVELS:]),
            missing=missing,
        )

    @property
    def features(self) -> list[str]:
        names = [f"{self.name} = {level}" for level in self.levels]
        return [*names, f"{self.name} is missing"] if self.missing else names

    def encode(self, cells: pl.Series) -> Float[np.ndarray, "examples features"]:
        number = {level: index for index, level in enumerate(self.levels)}
        position = cells.replace_strict(number, default=-1, return_dtype=pl.Int64).to_numpy()
        is_missing = cells.is_null().to_numpy()
        features = np.zeros((len(cells), len(self.features)), dtype=np.float32)
        rows = np.flatnonzero((position >= 0) & ~is_missing)
        features[rows, position[rows]] = 1.0
        if self.missing:
            features[is_missing, -1] = 1.0
        return features

    def decode(self, features: Float[np.ndarray, " features"]) -> float | str:
        best = int(features.argmax())
        if features[best] < 0.5:
            return "other"
        return self.levels[best] if best < len(self.levels) else "missing"

    def describe(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "kind": self.kind,
            "missing": self.missing,
            "levels": dict(zip(self.levels, self.counts, strict=True)),
            "others": self.others,
        }


@dataclass(frozen=True)
class DateColumn(Column):
    """Days, standardized, and the place in the year, the week and, with times, the day.

    A place in a cycle is a sine and a cosine, so that December lies beside January.
    """

    kind = "date"

    days: NumberColumn
    """Days since 1970-01-01."""
    has_time: bool
    date_format: str

    @classmethod
    def fit(cls, cells: pl.Series, reading: Reading) -> "Self | DroppedColumn":
        """Learn the moments of the training part's days."""
        days = NumberColumn.fit(_days(cells), reading)
        if isinstance(days, DroppedColumn):
            return days
        has_time = bool((cells.drop_nulls() != cells.drop_nulls().dt.truncate("1d")).any())
        return cls(cells.name, days, has_time, reading.date_format)

    @property
    def reading(self) -> Reading:
        return Reading(self.name, "date", self.date_format)

    @property
    def features(self) -> list[str]:
        days, *is_missing = self.days.features
        cycles = ["year", "week", "day"] if self.has_time else ["year", "week"]
        places = [f"{self.name}, {wave} of the {c}" for c in cycles for wave in ("sine", "cosine")]
        return [days, *places, *is_missing]

    def encode(self, cells: pl.Series) -> Float[np.ndarray, "examples features"]:
        days = self.days.encode(_days(cells))
        turns = [(cells.dt.ordinal_day() - 1) / 365.25, (cells.dt.weekday() - 1) / 7]
        if self.has_time:
            turns.append(_days(cells) % 1)
        waves = [
            wave(2 * math.pi * turn.cast(pl.Float64).to_numpy())
            for turn in turns
            for wave in (np.sin, np.cos)
        ]
        # Zero is the middle of every cycle: a missing date is nowhere in it.
        places = np.nan_to_num(np.column_stack(waves), nan=0.0)
        return np.column_stack([days[:, :1], places, days[:, 1:]]).astype(np.float32)

    def decode(self, features: Float[np.ndarray, " features"]) -> float | str:
        days = self.days.decode(np.append(features[:1], features[-1:]))
        if isinstance(days, str):
            return days
        moment = datetime(1970, 1, 1) + timedelta(days=days if self.has_time else round(days))
        return f"{moment:%Y-%m-%d %H:%M}" if self.has_time else f"{moment:%Y-%m-%d}"

    def describe(self) -> dict[str, Any]:
        start = datetime(1970, 1, 1)
        return {
            "name": self.name,
            "kind": self.kind,
            "missing": self.days.missing,
            "min": f"{start + timedelta(days=self.days.low):%Y-%m-%d}",
            "max": f"{start + timedelta(days=self.days.high):%Y-%m-%d}",
        }


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


_FITTED: dict[str, type[NumberColumn | CategoryColumn | DateColumn]] = {
    "number": NumberColumn,
    "boolean": BooleanColumn,
    "category": CategoryColumn,
    "date": DateColumn,
}


def fit_column(cells: pl.Series, reading: Reading) -> Column:
    """Learn a column from the training part's cells, as `_cells.parse` returns them."""
    return _FITTED[reading.kind].fit(cells, reading)


def column_from_json(data: dict[str, Any]) -> Column:
    """Rebuild a column from `to_json`."""
    fields: dict[str, Any] = {n: tuple(v) if isinstance(v, list) else v for n, v in data.items()}
    kind = fields.pop("kind")
    if kind == "date":
        fields["days"] = NumberColumn(**data["days"])
    return {**_FITTED, "dropped": DroppedColumn}[kind](**fields)


def quoted(names: list[str]) -> str:
    """Return names of columns for a message.

    Example:
        >>> quoted(["age", "sex"])
        "'age', 'sex'"
    """
    return formats.plain(", ".join(map(repr, names)), longest=300)


def _days(cells: pl.Series) -> pl.Series:
    return (cells.dt.timestamp("us") / (DAY * 1e6)).alias(cells.name)
