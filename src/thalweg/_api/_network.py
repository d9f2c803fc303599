"""The network of a run: handed over, or made from what names it."""

from typing import Any

from torch import nn

from thalweg import models, train
from thalweg._core.choices import Choice
from thalweg.data import Splits
from thalweg.errors import SettingError


def given_network(model: nn.Module | str, data: Splits, seed: int) -> nn.Module:
    """Return the network itself, or a new one of that name.

    Raises:
        SettingError: It is neither.
    """
    if isinstance(model, str):
        return models.build(model, data, seed=seed)
    if not isinstance(model, nn.Module):
        is_class = isinstance(model, type)
        got = f"the class itself; write {model.__name__}(…)" if is_class else type(model).__name__
        raise SettingError(f"the network must be a torch.nn.Module or a name, got {got}.")
    return model


def network_of(settings: dict[str, Any], data: Splits, seed: int) -> tuple[nn.Module, list[Choice]]:
    """Return the network that settings describe, and why it is that one, where they name none.

    Raises:
        SettingError: They describe one that they cannot give.
    """
    if "class" in settings:
        raise SettingError(
            f"the network {settings['class']!r} is not registered, so that settings alone cannot "
            "build it. Build it in Python and call tw.fit, or name one of `thalweg models`."
        )
    if settings.get("weights") == train.GIVEN:
        raise SettingError(
            "these settings began from weights handed over in Python, which settings alone cannot "
            "bring back. Call tw.fit with the network, or remove `weights` to begin afresh."
        )
    choices = []
    if "name" not in settings:
        name, choice = models.default_network(data.schema)
        settings = {**settings, "name": name}
        choices.append(choice)
    options = {key: value for key, value in settings.items() if key not in ("name", "seed")}
    return models.build(settings["name"], data, seed=settings.get("seed", seed), **options), choices
