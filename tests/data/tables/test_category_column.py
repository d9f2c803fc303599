import numpy as np
import polars as pl
from sklearn.preprocessing import OneHotEncoder

from thalweg.data.tables._category_column import MOST_LEVELS, CategoryColumn
from thalweg.data.tables._cells import Reading
from thalweg.data.tables._columns import fit_column


def fitted(cells, kind, name="x", **options):
    cells = pl.Series(name, cells, **options)
    return fit_column(cells, Reading(name, kind)), cells


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
