"""Every kind of column: learned from cells, and rebuilt from what was learned."""

import math
from typing import Any

import polars as pl

from thalweg._core.plain_data import rebuilt
from thalweg.data.tables._category_column import CategoryColumn
from thalweg.data.tables._cells import Reading
from thalweg.data.tables._column import Column, DroppedColumn
from thalweg.data.tables._date_column import DateColumn
from thalweg.data.tables._number_column import BooleanColumn, NumberColumn

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
    """Rebuild a column from `to_json`.

    Raises:
        KeyError, TypeError, ValueError, OverflowError: The data are no column.
    """
    kinds: dict[str, type[Column]] = {**_FITTED, "dropped": DroppedColumn}
    column = rebuilt(kinds[data["kind"]], data)
    numbers = column.days if isinstance(column, DateColumn) else column
    if isinstance(numbers, NumberColumn):
        moments = (numbers.mean, numbers.scale, numbers.low, numbers.high, numbers.median)
        if not all(map(math.isfinite, moments)) or numbers.scale <= 0 or numbers.missing < 0:
            raise ValueError(f"the moments of the column {column.name!r} must be finite")
    column.describe()  # which takes as many counts as levels, and dates that there are
    return column
