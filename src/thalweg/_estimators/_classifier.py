"""Networks that tell classes apart, or give labels."""

from typing import Any

import numpy as np
from jaxtyping import Float, Shaped
from sklearn.base import ClassifierMixin
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import column_or_1d

from thalweg._estimators._estimator import Kind, NetworkEstimator
from thalweg._estimators._targets import named


def _gives_probabilities(estimator: Any) -> bool:
    run = getattr(estimator, "run_", None)
    if run is not None:
        return run.task.name != "perceptron"
    return "perceptron" not in (str(estimator.task), str(estimator.model))


class NetworkClassifier(ClassifierMixin, NetworkEstimator):
    """A network that tells classes apart, as one of scikit-learn's classifiers.

    Several labels at once are rows of zeros and ones, as there. What is None is chosen, with its
    reason in `run_.choices`. Any setting of `docs/settings.md` is a parameter, which a search may
    vary: of training, of the network (`hidden`), of the task (`class_weights`), of the data.

    Args:
        model: A name that `thalweg models` lists; a module, of which every fit trains a copy from
            the module's present weights; or a function that makes a module for the data that
            `tw.load` returned.
        task: By default read off the classes.
        epochs: Passes over the training part.
        batch_size: Examples per optimizer step.
        optimizer: Name of a torch optimizer.
        learning_rate: Peak of the schedule, per step; "find" looks for it on a copy first.
        schedule: How the rate falls from its peak.
        weight_decay: The optimizer's own, on weights but not on biases and normalizations.
        valid: Share of the examples by which the best epoch is told.
        random_state: Seed of everything: the validation part, the weights, the order of examples.
            None draws another one each time. It is not called `seed`, since scikit-learn's own
            tools set `random_state`.
        device: Where to compute.
        out: Folder in which each fit keeps its run, in a new folder of its own; by default runs
            stay in memory, since a search fits hundreds. `run_.save(folder)` keeps one.
        progress: Whether to show choices and progress.
        doctor: Whether the doctor watches, for `run_.diagnosis`.
        **settings: Any other setting.

    Attributes:
        classes_: The classes, sorted.

    Example:
        >>> from sklearn.datasets import load_iris
        >>> from sklearn.model_selection import cross_val_score
        >>> X, y = load_iris(return_X_y=True)
        >>> network = NetworkClassifier(epochs=20, learning_rate=0.02, hidden=16)
        >>> bool(cross_val_score(network, X, y, cv=3).mean() > 0.9)
        True
    """

    classes_: Shaped[np.ndarray, " classes"]

    def predict(self, X: Any) -> Shaped[np.ndarray, "examples ..."]:
        """Return the likeliest class of each example; of labels, a row of zeros and ones."""
        values = self._predict(X).values
        target = self.run_.schema.target
        # The run has the classes in the same order, but as plain numbers and words.
        is_one_class = target.kind == "category"
        return self.classes_[target.encode(values).numpy()] if is_one_class else values

    @available_if(_gives_probabilities)
    def predict_proba(self, X: Any) -> Float[np.ndarray, "examples classes"]:
        """Return the probability of each class, in the order of `classes_`."""
        return self._predict(X).probabilities

    def decision_function(self, X: Any) -> Float[np.ndarray, "examples ..."]:
        """Return the network's logits in the order of `classes_`; of two classes, the second's.

        Calibration begins from these.
        """
        X = self._checked(X)
        logits = self.run_.outputs(X).double().numpy()
        if self.run_.schema.target.kind == "multilabel" or len(self.classes_) > 2:
            return logits
        return logits[:, 1] - logits[:, 0] if logits.shape[1] == 2 else logits[:, 0]

    def _targets(self, y: Any) -> tuple[Any, Kind]:
        check_classification_targets(y)
        if type_of_target(y) == "multilabel-indicator":
            values = np.asarray(y)
            self.classes_ = np.arange(values.shape[1])
            return values, "multilabel"
        values = column_or_1d(y, warn=True)
        self.classes_ = np.unique(values)
        return named(y, values), "category"

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags
