"""Inputs as scikit-learn's tools hand them over."""

from typing import Any

import narwhals as nw
import numpy as np
from scipy.sparse import issparse
from sklearn.utils import check_array
from sklearn.utils.validation import validate_data

from thalweg._core import formats
from thalweg.errors import DataError

# One example cannot both train and validate.
FEWEST = 2


def checked_inputs(estimator: Any, X: Any, kind: str | None = None) -> Any:
    """Return inputs as `tw.load` takes them, checked as scikit-learn's conventions want it.

    A data frame stays one, with its categories and empty cells; everything else becomes an array.

    Args:
        estimator: Whose `n_features_in_` and `feature_names_in_` they set, or have to agree with.
        X: The inputs.
        kind: Of the fitted network's inputs, "array", "image" or "table"; None while fitting.

    Raises:
        DataError: They are sparse.
        ValueError, TypeError: They are no array, or not as in training.
    """
    if issparse(X):
        size = formats.size(X.shape[0] * X.shape[1] * X.dtype.itemsize)
        raise DataError(
            f"the inputs must be dense, got a sparse array of {X.shape[0]}×{X.shape[1]}. Pass "
            f"X.toarray() ({size}), or have no sparse ones made: "
            "OneHotEncoder(sparse_output=False), ColumnTransformer(…, sparse_threshold=0)."
        )
    fits = kind is None
    is_frame = nw.dependencies.is_into_dataframe(X)
    if is_frame and kind in (None, "table"):
        return validate_data(estimator, X, skip_check_array=True, reset=fits)
    if kind == "table":
        rows: Any = np.asarray(X)
        return validate_data(estimator, rows, skip_check_array=True, reset=False)
    if np.asarray(X).dtype.kind in "US":
        raise DataError("the inputs must be numbers, got text. For columns of text, pass a frame.")
    # Values that are not finite are told by their place when they are loaded.
    values: Any = check_array(
        X,
        allow_nd=True,
        ensure_all_finite=False,
        ensure_min_samples=FEWEST if fits else 1,
        estimator=estimator,
        input_name="X",
    )
    validate_data(estimator, X if is_frame else values, skip_check_array=True, reset=fits)
    return values
