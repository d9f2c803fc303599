"""A network of the user's own, new for each fit."""

import copy
from typing import Any

from torch import nn

from thalweg._core import formats, seeds
from thalweg.errors import SettingError


def own_network(model: Any, data: Any, seed: int) -> nn.Module | None:
    """Return the network to train; None where settings name it.

    Args:
        model: A module is copied, with its present weights; a function of the data makes one, its
            weights drawn by the seed.
        data: What `tw.load` returned.
        seed: Of the weights.

    Raises:
        SettingError: It is no network, and makes none.
    """
    if model is None or isinstance(model, str):
        return None
    if isinstance(model, nn.Module):
        return copy.deepcopy(model)
    made = model
    if callable(model) and not isinstance(model, type):
        with seeds.isolated(seed, "init"):
            made = model(data)
    if not isinstance(made, nn.Module):
        raise SettingError(
            "model must be a name, a torch.nn.Module, or a function that makes one for the data "
            f"that tw.load returned, lambda data: MyNetwork(…); got {formats.plain(repr(made))}."
        )
    return made
