"""Networks that give numbers."""

from typing import Any

import numpy as np
from jaxtyping import Float64
from sklearn.base import RegressorMixin
from sklearn.utils import check_array
from sklearn.utils.validation import column_or_1d

from thalweg._estimators._estimator import Kind, NetworkEstimator
from thalweg._estimators._targets import named


class NetworkRegressor(RegressorMixin, NetworkEstimator):
    """A network that gives one number or several, as one of scikit-learn's regressors.

    Its parameters are those of `tw.NetworkClassifier`.

    Example:
        >>> from sklearn.datasets import load_diabetes
        >>> X, y = load_diabetes(return_X_y=True)
        >>> network = NetworkRegressor(epochs=20, distribution="laplace").fit(X[:350], y[:350])
        >>> network.score(X[350:], y[350:]) > 0.3
        True
    """

    def predict(self, X: Any) -> Float64[np.ndarray, "examples ..."]:
        """Return a number for each example, or a row of them, in the units of the training data."""
        return self._predict(X).values.astype(np.float64)

    def _targets(self, y: Any) -> tuple[Any, Kind]:
        values = check_array(y, ensure_2d=False, input_name="y", estimator=self)
        if values.ndim == 2 and values.shape[1] == 1:
            values = column_or_1d(values, warn=True)
        return named(y, values), "number"

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
