import numpy as np
import pandas as pd
import pytest
import torch

from thalweg.data._target_values import as_targets, is_missing
from thalweg.errors import DataError, ShapeError


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        ([1.0, np.nan, 2.0], [False, True, False]),
        ([1, None, 2], [False, True, False]),
        (["a", None, ""], [False, True, True]),
        (["a", np.nan, " "], [False, True, True]),
        (np.array(["a", ""]), [False, True]),
        (pd.Series(["a", None]), [False, True]),
        (pd.Series([1, None], dtype="Int64"), [False, True]),
        (pd.Series(["a", pd.NA], dtype=object), [False, True]),
        ([[1.0, 2.0], [np.nan, 1.0]], [False, True]),
        ([{"a"}, None, set()], [False, True, False]),
        (np.ma.array([1, 2], mask=[True, False]), [True, False]),
    ],
)
def test_a_missing_target_is_known_in_every_guise(given, missing):
    assert is_missing(as_targets(given, len(missing))).tolist() == missing


def test_targets_must_be_as_many_as_examples():
    assert as_targets(torch.tensor([[1], [0]]), 2).shape == (2,)
    with pytest.raises(ShapeError, match=r"3 in all, got shape \(2,\)"):
        as_targets([1, 2], 3)
    with pytest.raises(ShapeError, match="got shape"):
        as_targets(np.zeros((2, 2, 2)), 2)
    with pytest.raises(DataError, match=r"tw.load\(X, y\)"):
        as_targets(None, 2)


def test_a_name_or_a_position_is_no_target_of_an_array():
    for target in ("label", -1, 2.0):
        with pytest.raises(DataError, match=r"one entry per example.* Columns have names"):
            as_targets(target, 3)
