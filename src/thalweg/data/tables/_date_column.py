"""Columns of dates and times."""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import polars as pl
from jaxtyping import Float

from thalweg.data.tables._cells import Reading
from thalweg.data.tables._column import Column
from thalweg.data.tables._number_column import NumberColumn

DAY = 86_400.0  # seconds


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
    def fit(cls, cells: pl.Series, reading: Reading) -> Column:
        """Learn the moments of the training part's days."""
        days = NumberColumn.fit(_days(cells), reading)
        if not isinstance(days, NumberColumn):
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


def _days(cells: pl.Series) -> pl.Series:
    return (cells.dt.timestamp("us") / (DAY * 1e6)).alias(cells.name)
