"""Where the data and the network of a run come from, as its settings say it."""

import torch
from torch import nn

from thalweg.data import Splits
from thalweg.errors import WeightsError
from thalweg.models import Recipe, pretrained, recipe_of
from thalweg.tasks import Task
from thalweg.train._weights import bare

GIVEN = "given"
"""Stands for weights that no file and no seed gives back."""


def data_settings(data: Splits) -> dict[str, object]:
    """Return what says how the data were loaded."""
    schema = data.schema
    return {"source" if schema.is_reloadable else "object": schema.source, **schema.options}


def model_settings(model: nn.Module, task: Task) -> dict[str, object]:
    """Return what says how the network was made."""
    recipe = recipe_of(model)
    if recipe is None:
        return {"class": f"{type(model).__module__}.{type(model).__qualname__}"}
    settings: dict[str, object] = {"name": recipe.name, "seed": recipe.seed, **recipe.options}
    if recipe.outputs != task.outputs:
        settings["outputs"] = recipe.outputs
    if recipe.weights is not None and _is_as_made(model, recipe):
        settings["weights"] = recipe.weights
        if recipe.head is not None:
            settings["head"] = recipe.head
    elif not _has_state(model, recipe.build()):
        settings["weights"] = GIVEN
    return settings


def _is_as_made(model: nn.Module, recipe: Recipe) -> bool:
    """Return whether the network still has the weights of the file that it began from."""
    try:
        return _has_state(model, pretrained(recipe))
    except WeightsError:
        return False


def _has_state(model: nn.Module, other: nn.Module) -> bool:
    own, fresh = bare(model).state_dict(), other.state_dict()
    return own.keys() == fresh.keys() and all(
        torch.equal(value.cpu(), fresh[name]) for name, value in own.items()
    )
