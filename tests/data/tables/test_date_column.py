import datetime as dt
import math

import numpy as np
import polars as pl

from thalweg.data.tables._cells import Reading
from thalweg.data.tables._columns import fit_column
from thalweg.data.tables._date_column import DateColumn


def fitted(cells, kind, name="x", **options):
    cells = pl.Series(name, cells, **options)
    return fit_column(cells, Reading(name, kind)), cells


def test_a_date_is_its_days_and_its_places_in_the_year_and_the_week():
    days = [dt.datetime(2024, 1, 1), dt.datetime(2024, 1, 3), None]  # a Monday, a Wednesday
    column, cells = fitted(days, "date")
    week = 2 * math.pi * 2 / 7
    year = 2 * math.pi * 2 / 365.25
    expected = [
        [-1, 0, 1, 0, 1, 0],
        [1, math.sin(year), math.cos(year), math.sin(week), math.cos(week), 0],
        [0, 0, 0, 0, 0, 1],
    ]
    np.testing.assert_allclose(column.encode(cells), expected, atol=1e-6)
    assert len(column.features) == 6
    decoded = [column.decode(row) for row in column.encode(cells)]
    assert decoded == ["2024-01-01", "2024-01-03", "missing"]
    assert column.describe()["max"] == "2024-01-03"


def test_a_time_of_day_adds_its_place_in_the_day():
    column, cells = fitted([dt.datetime(2024, 1, 1, 6), dt.datetime(2024, 1, 2, 18)], "date")
    assert isinstance(column, DateColumn)
    np.testing.assert_allclose(column.encode(cells)[:, -2:], [[1, 0], [-1, 0]], atol=1e-6)
    assert column.decode(column.encode(cells)[1]) == "2024-01-02 18:00"


def test_december_lies_beside_january():
    days = [dt.datetime(2023, 12, 31), dt.datetime(2024, 1, 1), dt.datetime(2024, 7, 1)]
    column, cells = fitted(days, "date")
    year = column.encode(cells)[:, 1:3]
    assert np.linalg.norm(year[0] - year[1]) < 0.05
    assert np.linalg.norm(year[0] - year[2]) > 1.9
