"""Every kind of column: learned from cells, and rebuilt from what was learned."""

from typing import Any

import polars as pl

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
    """Rebuild a column from `to_json`."""
    fields: dict[str, Any] = {n: tuple(v) if isinstance(v, list) else v for n, v in data.items()}
    kind = fields.pop("kind")
    if kind == "date":
        fields["days"] = NumberColumn(**data["days"])
    return {**_FITTED, "dropped": DroppedColumn}[kind](**fields)
