"""Networks as scikit-learn's estimators: a door to the same run, beside the command line."""

from thalweg._estimators._classifier import NetworkClassifier
from thalweg._estimators._regressor import NetworkRegressor

__all__ = ["NetworkClassifier", "NetworkRegressor"]
