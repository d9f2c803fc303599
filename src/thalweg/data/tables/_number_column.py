"""Columns of numbers, and of booleans as zero and one."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from jaxtyping import Float

from thalweg.data.tables._cells import Reading
from thalweg.data.tables._column import Column, DroppedColumn

# A spread within a few rounding errors of float64 is no spread.
ROUNDING = 4 * float(np.finfo(np.float64).eps)


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
    def fit(cls, cells: pl.Series, reading: Reading) -> Column:
        """Learn the moments of the training part's cells, nulls left out."""
        present = cells.drop_nulls().cast(pl.Float64).to_numpy()
        missing = cells.null_count()
        if not len(present):
            return DroppedColumn(cells.name, "no value in the training part")
        low, high = float(present.min()), float(present.max())
        is_constant = high - low <= ROUNDING * max(abs(low), abs(high))
        if is_constant and not missing:
            return DroppedColumn(cells.name, "constant in the training part")
        mean, scale = _moments(present)
        return cls(
            name=cells.name,
            mean=mean,
            scale=1.0 if is_constant else scale,
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


def _moments(present: Float[np.ndarray, " cells"]) -> tuple[float, float]:
    """Return mean and standard deviation, where squares are too large or too small as well."""
    with np.errstate(over="ignore", under="ignore"):
        mean, scale = float(present.mean()), float(present.std())
        if not math.isfinite(mean + scale) or scale == 0.0:
            unit = float(np.abs(present).max()) or 1.0
            shares = present / unit
            mean, scale = unit * float(shares.mean()), unit * float(shares.std())
    return mean, scale


@dataclass(frozen=True)
class BooleanColumn(NumberColumn):
    """Zero or one, treated as a number."""

    kind = "boolean"

    def decode(self, features: Float[np.ndarray, " features"]) -> float | str:
        number = super().decode(features)
        return number if isinstance(number, str) else ("true" if number > 0.5 else "false")
