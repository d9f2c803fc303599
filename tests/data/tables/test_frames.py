import datetime as dt

import narwhals as nw
import numpy as np
import pandas as pd
import polars as pl
import pytest

from thalweg.data.tables._frames import as_frame
from thalweg.data.tables._recognize import is_frame
from thalweg.errors import DataError

NOON = dt.datetime(2024, 1, 1, 12)


def test_every_door_gives_the_same_frame():
    columns = {"n": [1.5, None], "s": ["x", None], "b": [True, False], "t": [NOON, None]}
    expected = pl.DataFrame(columns)
    given = [
        expected,
        expected.lazy(),
        nw.from_native(expected),
        pd.DataFrame(columns),
        columns,
        [{"n": 1.5, "s": "x", "b": True, "t": NOON}, {"b": False}],
    ]
    for data in given:
        frame = as_frame(data)
        assert frame.with_columns(pl.col("n").fill_nan(None)).equals(expected), type(data)


def test_pandas_special_types_survive_without_pyarrow():
    frame = as_frame(
        pd.DataFrame(
            {
                "nullable": pd.array([1, None], dtype="Int64"),
                "truth": pd.array([True, None], dtype="boolean"),
                "level": pd.Categorical(["u", None]),
                "zoned": pd.to_datetime(["2024-01-01", None]).tz_localize("Europe/Berlin"),
                "day": [dt.date(2024, 1, 1), None],
                "mixed": [1, "a"],
                "labels": [{"y", "x"}, {"z"}],
                7: [1, 2],
            }
        )
    )
    assert frame["nullable"].fill_nan(None).to_list() == [1, None]
    assert frame["truth"].to_list() == [True, None]
    assert frame.schema["level"] == pl.Categorical
    assert frame["level"].to_list() == ["u", None]
    assert frame["zoned"].to_list() == [dt.datetime(2023, 12, 31, 23), None]
    assert frame["day"].to_list() == [dt.date(2024, 1, 1), None]
    assert frame["mixed"].to_list() == ["1", "a"]
    assert frame["labels"].to_list() == [["x", "y"], ["z"]]
    assert frame["7"].to_list() == [1, 2]


def test_a_dictionary_of_cells_is_one_row():
    assert as_frame({"a": 1, "b": "text", "c": np.float64(2)}).rows() == [(1, "text", 2.0)]


def test_unequal_columns_and_repeated_names_are_refused():
    with pytest.raises(DataError, match="equal lengths"):
        as_frame({"a": [1, 2], "b": [1]})
    with pytest.raises(DataError, match="names must differ"):
        as_frame(pd.DataFrame([[1, 2]], columns=["a", "a"]))
    with pytest.raises(DataError, match="names must differ"):
        as_frame(pd.DataFrame([[1, 2]], columns=["1", 1]))


def test_repeated_names_of_a_pandas_frame_are_refused_in_one_line():
    frame = pd.DataFrame([[1, 2, 3]], columns=["a", "a", "y"])
    assert is_frame(frame)
    with pytest.raises(DataError, match=r"column names must differ: .*'a' 2 times") as caught:
        as_frame(frame)
    assert "\n" not in str(caught.value)


def test_pandas_categories_of_numbers_and_intervals_stay_categories():
    numbers = pd.Categorical([3, 1, None])
    frame = as_frame(pd.DataFrame({"n": numbers, "i": pd.cut([0.5, 1.5, 2.5], [0, 1, 2, 3])}))
    assert frame["n"].cast(pl.String).to_list() == ["3", "1", None]
    assert frame["i"].cast(pl.String).to_list() == ["(0, 1]", "(1, 2]", "(2, 3]"]
    assert frame["i"].dtype == frame["n"].dtype == pl.Categorical


def test_half_a_character_is_refused_with_the_column():
    with pytest.raises(DataError, match=r"column 'a' cannot be read: .* surrogates not allowed"):
        as_frame([{"a": "\ud800"}, {"a": "b"}])


def test_lists_of_unequal_lengths_are_cells():
    assert as_frame({"a": [[1], [1, 2]], "b": [1, 2]}).shape == (2, 2)
