import datetime as dt
import json

import polars as pl
import pytest

from thalweg.data.tables._cells import Reading
from thalweg.data.tables._column import DroppedColumn
from thalweg.data.tables._columns import column_from_json, fit_column


def fitted(cells, kind, name="x", **options):
    cells = pl.Series(name, cells, **options)
    return fit_column(cells, Reading(name, kind)), cells


def round_trip(column):
    return column_from_json(json.loads(json.dumps(column.to_json())))


@pytest.mark.parametrize(
    ("kind", "cells", "dtype"),
    [
        ("number", [3.0, 3.0], pl.Float64),
        ("number", [0.1 + 0.2, 0.3], pl.Float64),
        ("number", [None, None], pl.Float64),
        ("boolean", [True, True], pl.Boolean),
        ("category", ["a", "a"], pl.String),
        ("category", [None], pl.String),
        ("date", [dt.datetime(2024, 1, 1)] * 2, pl.Datetime("us")),
    ],
)
def test_a_column_that_never_varies_is_dropped_with_the_reason(kind, cells, dtype):
    column, _ = fitted(cells, kind, dtype=dtype)
    assert isinstance(column, DroppedColumn)
    assert "training part" in column.describe()["reason"]
    assert column.features == []


@pytest.mark.parametrize(
    ("kind", "cells"),
    [
        ("number", [0.1, 1 / 3, None]),
        ("boolean", [True, False]),
        ("category", ["ü", "b", None]),
        ("date", [dt.datetime(2024, 1, 1, 6), dt.datetime(2025, 1, 1)]),
    ],
)
def test_columns_survive_json_exactly(kind, cells):
    column, cells = fitted(cells, kind)
    again = round_trip(column)
    assert again == column
    assert type(again) is type(column)
    assert again.encode(cells).tobytes() == column.encode(cells).tobytes()
    assert round_trip(DroppedColumn("x", "why")) == DroppedColumn("x", "why")
