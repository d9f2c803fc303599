"""scikit-learn's own examination of its estimators."""

from sklearn.utils.estimator_checks import parametrize_with_checks

import thalweg as tw

# Enough to learn its small data sets by, and nothing more.
SMALL = {"epochs": 10, "learning_rate": 0.05, "doctor": False}
ROUNDING = (
    "networks compute in float32, whose last digits depend on how many examples are computed "
    "together; the check asks for seven digits"
)


def expected_to_fail(estimator):
    return {"check_methods_subset_invariance": ROUNDING}


@parametrize_with_checks(
    [tw.NetworkClassifier(**SMALL), tw.NetworkRegressor(**SMALL)],
    expected_failed_checks=expected_to_fail,
)
def test_scikit_learns_checks(estimator, check):
    check(estimator)
