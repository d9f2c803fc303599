import datetime as dt
import json
import math

import numpy as np
import polars as pl
import pytest
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from thalweg.data._cells import Reading
from thalweg.data._columns import (
    MOST_LEVELS,
    CategoryColumn,
    DateColumn,
    DroppedColumn,
    NumberColumn,
    column_from_json,
    fit_column,
)


def fitted(cells, kind, name="x", **options):
    cells = pl.Series(name, cells, **options)
    return fit_column(cells, Reading(name, kind)), cells


def round_trip(column):
    return column_from_json(json.loads(json.dumps(column.to_json())))


def test_numbers_are_standardized_and_filled_as_scikit_learn_does():
    rng = np.random.default_rng(0)
    numbers = rng.lognormal(3, 2, size=200)
    numbers[rng.random(200) < 0.2] = np.nan
    column, cells = fitted(numbers, "number", nan_to_null=True)
    new = np.array([[1.0], [np.nan], [1e6]])
    scaler = StandardScaler().fit(numbers[:, None])  # it passes over what is missing
    imputer = SimpleImputer(strategy="median").fit(numbers[:, None])
    for given in (numbers[:, None], new):
        features = column.encode(pl.Series("x", given[:, 0], nan_to_null=True))
        np.testing.assert_allclose(
            features[:, :1], scaler.transform(imputer.transform(given)), rtol=1e-6
        )
        np.testing.assert_array_equal(features[:, 1], np.isnan(given[:, 0]))
    described = column.describe()
    assert described["missing"] == np.isnan(numbers).sum() == cells.null_count()
    assert described["min"] == np.nanmin(numbers)
    assert described["mean"] == pytest.approx(np.nanmean(numbers))
    assert described["std"] == pytest.approx(np.nanstd(numbers))


def test_without_missing_cells_in_training_there_is_no_feature_for_them():
    column, _ = fitted([1.0, 2.0, 6.0], "number")
    assert column.features == ["x"]
    assert column.encode(pl.Series("x", [None], dtype=pl.Float64))[0, 0] == pytest.approx(
        (2 - 3) / np.std([1, 2, 6])
    )


def test_a_number_far_from_zero_keeps_what_varies():
    seconds = 1.7e9 + np.arange(5)
    column, cells = fitted(seconds, "number")
    np.testing.assert_allclose(
        column.encode(cells)[:, 0], (np.arange(5) - 2) / np.sqrt(2), rtol=1e-6
    )


def test_categories_become_levels_as_scikit_learn_encodes_them():
    names = ["b", "a", "b", None, "c", "b", "a"]
    column, _ = fitted(names, "category")
    assert column.features == ["x = b", "x = a", "x = c", "x is missing"]
    theirs = OneHotEncoder(
        categories=[["b", "a", "c", "nothing"]], handle_unknown="ignore", sparse_output=False
    ).fit([["b"]])
    given = [*names, "unseen"]
    expected = theirs.transform([[name or "nothing"] for name in given])
    np.testing.assert_array_equal(column.encode(pl.Series("x", given)), expected)
    assert column.describe()["levels"] == {"b": 3, "a": 2, "c": 1}


def test_only_the_most_frequent_levels_become_features():
    names = [f"level {i}" for i in range(50) for _ in range(50 - i)]
    column, cells = fitted(names, "category")
    assert isinstance(column, CategoryColumn)
    assert column.levels == tuple(f"level {i}" for i in range(MOST_LEVELS))
    assert column.others == sum(50 - i for i in range(MOST_LEVELS, 50))
    assert column.encode(cells).sum() == len(names) - column.others
    assert column.decode(column.encode(pl.Series("x", ["level 49"]))[0]) == "other"


def test_booleans_are_zero_and_one_standardized():
    column, cells = fitted([True, False, False, None], "boolean")
    np.testing.assert_allclose(
        column.encode(cells),
        [[math.sqrt(2), 0], [-math.sqrt(0.5), 0], [-math.sqrt(0.5), 0], [-math.sqrt(0.5), 1]],
        rtol=1e-6,
    )
    decoded = [column.decode(row) for row in column.encode(cells)]
    assert decoded == ["true", "false", "false", "missing"]


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


def test_a_constant_with_gaps_still_tells_where_the_gaps_are():
    column, cells = fitted([5.0, None, 5.0], "number")
    np.testing.assert_array_equal(column.encode(cells), [[0, 0], [0, 1], [0, 0]])


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


def test_numbers_decode_to_what_they_were():
    column, cells = fitted([1.5, -200.0, 77.25], "number")
    assert isinstance(column, NumberColumn)
    decoded = [column.decode(row) for row in column.encode(cells)]
    np.testing.assert_allclose(decoded, [1.5, -200.0, 77.25], rtol=1e-6)
