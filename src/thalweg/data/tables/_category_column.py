"""Columns of names, one feature per level."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from jaxtyping import Float

from thalweg.data.tables._cells import Reading
from thalweg.data.tables._column import Column, DroppedColumn

# Each level costs a feature, and rare levels have too few examples to learn from.
MOST_LEVELS = 32


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
    def fit(cls, cells: pl.Series, reading: Reading) -> Column:
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
