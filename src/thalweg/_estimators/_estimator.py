"""What classifier and regressor share: parameters, fitting, and asking the run."""

import threading
import time
import warnings
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any, Literal, Self, no_type_check

from scipy.sparse import issparse
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_consistent_length, check_is_fitted

from thalweg._api import Run, load, train_on
from thalweg._estimators._folders import new_folder
from thalweg._estimators._inputs import checked_inputs
from thalweg._estimators._network import own_network
from thalweg._estimators._parameters import parameters_from, sections_of
from thalweg._estimators._targets import refuse_missing
from thalweg._estimators._validation import with_validation
from thalweg.errors import SettingError

Kind = Literal["category", "multilabel", "number"]
LEARNED = ("run_", "classes_", "n_features_in_", "feature_names_in_")
"""What `fit` leaves. Every other public attribute is a parameter."""

# scikit-learn itself warns of missing names, and refuses columns that were not there in training:
# those that are no inputs were left out on purpose.
TOLD = ("columns", "extra columns")
# Training seeds the generators of the whole process: threads have to take turns. A function that
# makes a network may train another one for it.
_turn = threading.RLock()


class NetworkEstimator(BaseEstimator, ABC):
    """A network as scikit-learn knows estimators; `fit` trains it as `tw.fit` does.

    Attributes:
        run_: The run: history, choices with their reasons, diagnosis, page.
        n_features_in_: Columns of the inputs; of arrays with more axes, the length of the second.
        feature_names_in_: Their names, where a frame has names.
    """

    run_: Run

    # scikit-learn's rule: nothing is looked at before `fit`, not even a type.
    @no_type_check
    def __init__(
        self,
        model=None,
        *,
        task=None,
        epochs=None,
        batch_size=None,
        optimizer="adamw",
        learning_rate=None,
        schedule="cosine",
        weight_decay=None,
        valid=0.15,
        random_state=0,
        device=None,
        out=None,
        progress=False,
        doctor=True,
        **settings,
    ) -> None:
        self.model = model
        self.task = task
        self.epochs = epochs
        self.batch_size = batch_size
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.schedule = schedule
        self.weight_decay = weight_decay
        self.valid = valid
        self.random_state = random_state
        self.device = device
        self.out = out
        self.progress = progress
        self.doctor = doctor
        vars(self).update(settings)

    @classmethod
    def from_config(cls, path: str | Path, **parameters: Any) -> Self:
        """Return an estimator with the settings of a file, such as a run's `config.toml`.

        Fitted on the data of that run, it ends in the same bits.

        Args:
            path: The file.
            **parameters: Any parameter, replacing the file's.

        Raises:
            SettingError: It is no file of settings.
        """
        return cls(**{**parameters_from(Path(path)), **parameters})

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return every parameter by name, the settings that were given beyond the usual ones too.

        Args:
            deep: Means nothing here: a parameter is no estimator.
        """
        return {
            name: value
            for name, value in sorted(vars(self).items())
            if not name.startswith("_") and name not in LEARNED
        }

    def set_params(self, **parameters: Any) -> Self:
        """Set parameters. As everywhere, one that is unknown is told the nearest at `fit`."""
        for name, value in parameters.items():
            setattr(self, name, value)
        return self

    def fit(self, X: Any, y: Any, X_val: Any = None, y_val: Any = None, **given: Any) -> Self:
        """Train a new network, and forget the one before.

        Args:
            X: An array of numbers (of any shape behind the examples), pictures in uint8, or any
                data frame, whose columns may be categories, dates and incomplete.
            y: A class, a row of indicators, or one or several numbers for each example.
            X_val: Inputs of the examples by which the best epoch is told; by default a share of
                `X` is.
            y_val: Their targets.
            **given: Nothing. The trainer has no weights of examples, and says so here.

        Raises:
            ThalwegError: Data, network and settings do not fit each other; the message says how.
        """
        if given:
            raise SettingError(
                f"fit takes X, y, X_val and y_val, got {', '.join(given)}. The trainer has no "
                "weights of examples: weigh classes by class_weights='balanced', or repeat rows."
            )
        sections = sections_of(self.get_params())
        X = checked_inputs(self, X)
        y = y.toarray() if issparse(y) else y
        refuse_missing(y)
        if X_val is not None or y_val is not None:
            X, y, sections["data"]["parts"] = with_validation(self, X, y, X_val, y_val)
        y, kind = self._targets(y)
        check_consistent_length(X, y)
        asked = sections["data"].pop("kind", kind)
        if asked != kind:
            raise SettingError(f"{type(self).__name__} is for kind={kind!r}, got {asked!r}.")
        with _turn:
            began = time.perf_counter()
            data = load(X, y, kind=kind, **sections.pop("data"))
            loading = time.perf_counter() - began
            model = own_network(self.model, data, sections["train"]["seed"])
            with new_folder(self.out, data.schema.source) as folder:
                self.run_ = train_on(
                    data,
                    sections,
                    model,
                    out=folder,
                    progress=self.progress,
                    doctor=self.doctor,
                    loading=loading,
                )
        return self

    @property
    def n_iter_(self) -> int:
        """How many epochs were trained."""
        check_is_fitted(self)
        return self.run_.status.epochs

    @abstractmethod
    def _targets(self, y: Any) -> tuple[Any, Kind]:
        """Return checked targets, and which of the kinds of `tw.load` they are."""

    def _predict(self, X: Any) -> Any:
        """Return what the run says of new examples; what had to be mended in them is warned of."""
        X = self._checked(X)
        prediction = self.run_.predict(X)
        for repair in prediction.repairs:
            if repair.setting not in TOLD:
                warnings.warn(f"{repair.setting}: {repair.reason}", stacklevel=3)
        return prediction

    def _checked(self, X: Any) -> Any:
        check_is_fitted(self)
        return checked_inputs(self, X, self.run_.schema.encoder.kind)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        return tags
