"""Targets as scikit-learn's tools hand them over."""

from typing import Any

import numpy as np
from sklearn.utils.validation import assert_all_finite

from thalweg.errors import DataError


def refuse_missing(y: Any) -> None:
    """Refuse targets of which some are absent.

    Raises:
        DataError: An example has none.
        ValueError: There are none, or some are infinite, in scikit-learn's words.
    """
    if y is None:
        raise DataError("an estimator requires y to be passed, but the target y is None.")
    values = np.asarray(y)
    missing = [row for row, value in enumerate(values) if value is None]
    if missing:
        raise DataError(
            f"every example needs a target, and {len(missing)} have none, the first at row "
            f"{missing[0]}. Leave them out: X[keep], y[keep]."
        )
    assert_all_finite(values, input_name="y")


def named(y: Any, values: np.ndarray) -> Any:
    """Return targets under their own name, where they have one, as a column of a frame does."""
    return y if isinstance(getattr(y, "name", None), str) else values
