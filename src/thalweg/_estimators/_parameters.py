"""From an estimator's parameters to sections of settings, and from a file of them back."""

from numbers import Integral
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.utils import check_random_state

from thalweg._api import read_toml, route
from thalweg._core import formats
from thalweg.errors import SettingError

# They say who looks on and where to, which no file of settings does.
NO_SETTINGS = ("model", "task", "out", "progress", "doctor", "random_state", "valid")
SECTIONS = ("data", "model", "task", "train")
# scikit-learn sets examples for testing aside itself.
SHARES = {"valid": 0.15, "test": 0.0}
LARGEST_SEED = 2**31 - 1


def sections_of(parameters: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return an estimator's settings, each in the section that knows it.

    A name that two sections know is written with its section, `data__seed`, as scikit-learn
    writes what lies within.

    Raises:
        SettingError: No section knows a setting; the message has the nearest.

    Example:
        >>> sections_of({"model": "mlp", "dropout": 0.2, "random_state": 3})["model"]
        {'seed': 3, 'name': 'mlp', 'dropout': 0.2}
    """
    model = parameters.get("model")
    if "seed" in parameters:
        raise SettingError(
            f"an estimator's seed is called random_state, as scikit-learn's own tools set it; got "
            f"seed={parameters['seed']!r}."
        )
    seed = _seed(parameters.get("random_state", 0))
    sections: dict[str, dict[str, Any]] = {
        "data": {**SHARES, "seed": seed},
        "model": {"seed": seed},
        "task": {},
        "train": {"seed": seed},
    }
    if (valid := parameters.get("valid")) is not None:
        sections["data"]["valid"] = valid
    if isinstance(model, str):
        sections["model"]["name"] = model
    if parameters.get("task") is not None:
        sections["task"]["name"] = parameters["task"]
    given = {
        name.replace("__", ".", 1): value.item() if isinstance(value, np.generic) else value
        for name, value in parameters.items()
        if value is not None and name not in NO_SETTINGS
    }
    for name in ("data.source", "data.target"):
        if name in given:
            raise SettingError(f"an estimator is handed its data by fit(X, y), got {name}.")
    is_named = model is None or isinstance(model, str)
    only = SECTIONS if is_named else ("data", "task", "train")
    return route(given, sections, only)


def parameters_from(path: Path) -> dict[str, Any]:
    """Return a file of settings as the parameters of an estimator.

    Raises:
        SettingError: It is no file of settings.
    """
    sections = {name: dict(read_toml(path).get(name, {})) for name in SECTIONS}
    seed = sections["train"].pop("seed", 0)
    parameters: dict[str, Any] = {"random_state": seed}
    for name in ("source", "object", "target", "kind"):
        sections["data"].pop(name, None)  # `fit` is handed the data
    sections["data"] = {"test": 0.15, **sections["data"]}
    for name in ("data", "model"):
        if (own := sections[name].pop("seed", 0 if name == "data" else seed)) != seed:
            parameters[f"{name}__seed"] = own
    if sections["model"].pop("class", None) is None and "name" in sections["model"]:
        parameters["model"] = sections["model"].pop("name")
    if "name" in sections["task"]:
        parameters["task"] = sections["task"].pop("name")
    for section in sections.values():
        parameters |= section
    return parameters


def _seed(random_state: Any) -> int:
    if random_state is None or isinstance(random_state, np.random.RandomState):
        return int(check_random_state(random_state).randint(LARGEST_SEED))
    if not isinstance(random_state, Integral) or random_state < 0:
        raise SettingError(
            "random_state must be a whole number of at least 0, a numpy.random.RandomState, or "
            f"None for another seed each time, got {formats.plain(repr(random_state))}."
        )
    return int(random_state)
