"""Where the data and the network of a run come from, as its settings say it."""

import torch
from torch import nn

from thalweg.data import Splits
from thalweg.models import Recipe, recipe_of
from thalweg.tasks import Task
from thalweg.train._weights import bare


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
    if not _is_fresh(model, recipe):
        settings["weights"] = "given"
    return settings


def _is_fresh(model: nn.Module, recipe: Recipe) -> bool:
    """Return whether the network has the weights that its recipe gives it."""
    own, fresh = bare(model).state_dict(), recipe.build().state_dict()
    return own.keys() == fresh.keys() and all(
        torch.equal(value.cpu(), fresh[name]) for name, value in own.items()
    )
