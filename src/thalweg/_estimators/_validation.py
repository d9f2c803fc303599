"""Examples for validation that are handed over beside those for training."""

from typing import Any

import narwhals as nw
import numpy as np
from sklearn.utils.validation import check_consistent_length

from thalweg._estimators._inputs import checked_inputs
from thalweg._estimators._targets import refuse_missing
from thalweg.errors import DataError, SettingError, ShapeError


def with_validation(
    estimator: Any, X: Any, y: Any, X_val: Any, y_val: Any
) -> tuple[Any, np.ndarray, np.ndarray]:
    """Return all inputs, all targets, and the part of each.

    Args:
        estimator: That is fitted.
        X: Checked inputs for training.
        y: Their targets.
        X_val: Inputs for validation.
        y_val: Their targets.

    Raises:
        SettingError: One of the two is missing.
        DataError, ShapeError, ValueError: They are not of the kind of those for training.
    """
    if X_val is None or y_val is None:
        given, missing = ("y_val", "X_val") if X_val is None else ("X_val", "y_val")
        raise SettingError(f"{given} needs {missing}: inputs and targets of the same examples.")
    is_frame, other_is = map(nw.dependencies.is_into_dataframe, (X, X_val))
    if is_frame != other_is:
        needed, got = ("a frame", "an array") if is_frame else ("an array", "a frame")
        raise DataError(f"X_val must be {needed} as X is, got {got}.")
    X_val = checked_inputs(estimator, X_val, "table" if is_frame else "array")
    check_consistent_length(X, y)
    check_consistent_length(X_val, y_val)
    if is_frame:
        inputs = nw.to_native(nw.concat([nw.from_native(each) for each in (X, X_val)]))
    elif X.shape[1:] != X_val.shape[1:]:
        raise ShapeError(f"X_val must have the axes of X, {X.shape[1:]}, got {X_val.shape[1:]}.")
    else:
        inputs = np.concatenate([X, X_val])
    refuse_missing(y_val)
    targets = np.concatenate([np.asarray(y), np.asarray(y_val)])
    return inputs, targets, np.repeat(["train", "valid"], [len(X), len(X_val)])
