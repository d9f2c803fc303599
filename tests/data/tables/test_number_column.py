import math

import numpy as np
import polars as pl
import pytest
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import StandardScaler

from thalweg.data.tables._cells import Reading
from thalweg.data.tables._columns import fit_column
from thalweg.data.tables._number_column import NumberColumn


def fitted(cells, kind, name="x", **options):
    cells = pl.Series(name, cells, **options)
    return fit_column(cells, Reading(name, kind)), cells


@pytest.mark.parametrize("unit", [1e-300, 1e300, 1e307])
def test_numbers_whose_squares_no_float_holds_are_standardized_as_any_others(unit):
    plain = np.random.default_rng(0).normal(size=50)
    features = [
        column.encode(cells)
        for column, cells in (fitted(plain, "number"), fitted(plain * unit, "number"))
    ]
    np.testing.assert_allclose(*features, rtol=1e-5, atol=1e-6)


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


def test_booleans_are_zero_and_one_standardized():
    column, cells = fitted([True, False, False, None], "boolean")
    np.testing.assert_allclose(
        column.encode(cells),
        [[math.sqrt(2), 0], [-math.sqrt(0.5), 0], [-math.sqrt(0.5), 0], [-math.sqrt(0.5), 1]],
        rtol=1e-6,
    )
    decoded = [column.decode(row) for row in column.encode(cells)]
    assert decoded == ["true", "false", "false", "missing"]


def test_a_constant_with_gaps_still_tells_where_the_gaps_are():
    column, cells = fitted([5.0, None, 5.0], "number")
    np.testing.assert_array_equal(column.encode(cells), [[0, 0], [0, 1], [0, 0]])


def test_numbers_decode_to_what_they_were():
    column, cells = fitted([1.5, -200.0, 77.25], "number")
    assert isinstance(column, NumberColumn)
    decoded = [column.decode(row) for row in column.encode(cells)]
    np.testing.assert_allclose(decoded, [1.5, -200.0, 77.25], rtol=1e-6)
