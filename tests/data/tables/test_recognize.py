import numpy as np
import pandas as pd
import polars as pl

from thalweg.data.tables._recognize import is_frame, is_table


def test_a_path_is_a_table_by_its_ending():
    names = ["a.csv", "a.TSV", "b.csv.gz", "c.parquet", "d.txt", "e.png", "csv", "f.gz"]
    assert [is_table(name) for name in names] == [True] * 5 + [False] * 3


def test_frames_columns_and_rows_are_frames_and_arrays_are_not():
    frame = pl.DataFrame({"a": [1]})
    for data in (frame, frame.lazy(), pd.DataFrame({"a": [1]}), {"a": [1]}, [{"a": 1}]):
        assert is_frame(data), type(data)
    for data in (np.zeros((2, 2)), [[1.0]], [], "a.csv", 3, None, frame["a"]):
        assert not is_frame(data), type(data)
