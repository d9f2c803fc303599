"""Thalweg: data in, a trained and understood network out."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from thalweg import autodiff, conformance, data, doctor, errors, models, studies, tasks, train
    from thalweg._api import (
        Anatomy,
        Run,
        anatomy,
        build,
        check_data,
        check_model,
        check_task,
        compare,
        find_learning_rate,
        fit,
        load,
        preflight,
        resume,
        treat,
        verify,
        watch,
    )
    from thalweg._estimators import NetworkClassifier, NetworkRegressor

__version__ = "0.1.0"

__all__ = [
    "Anatomy",
    "NetworkClassifier",
    "NetworkRegressor",
    "Run",
    "anatomy",
    "autodiff",
    "build",
    "check_data",
    "check_model",
    "check_task",
    "compare",
    "conformance",
    "data",
    "doctor",
    "errors",
    "find_learning_rate",
    "fit",
    "load",
    "models",
    "preflight",
    "resume",
    "studies",
    "tasks",
    "train",
    "treat",
    "verify",
    "watch",
]

_FOLDERS = (
    "autodiff",
    "conformance",
    "data",
    "doctor",
    "errors",
    "models",
    "studies",
    "tasks",
    "train",
)
# They take scikit-learn, which the verbs do without.
_ESTIMATORS = ("NetworkClassifier", "NetworkRegressor")


def __getattr__(name: str) -> Any:
    """Import on first use, so that `thalweg --help` does not wait for torch."""
    if name not in __all__:
        raise AttributeError(f"module 'thalweg' has no attribute {name!r}")
    if name in _FOLDERS:
        return importlib.import_module(f"thalweg.{name}")
    home = "thalweg._estimators" if name in _ESTIMATORS else "thalweg._api"
    value = getattr(importlib.import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
