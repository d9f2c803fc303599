"""Networks by name, fitted to the data they are for."""

import inspect
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import nn

from thalweg._core import seeds
from thalweg._core.registry import Registry, did_you_mean
from thalweg.errors import SettingError, ShapeError
from thalweg.models._options import check_whole

SIZES = ("outputs", "features", "channels", "size")

networks: Registry[Callable[..., nn.Module]] = Registry("network")
"""Every network by name.

A factory takes `outputs`, and either `features` (it flattens what it gets) or `channels` and, if
it matters, `size`, height and width (it takes images), all keyword-only; its other keyword-only
parameters are its options. A network for one task alone names it by an attribute `task`.
"""


@dataclass(frozen=True)
class Recipe:
    """How a registered network was made; enough to make it again."""

    name: str
    shape: tuple[int, ...]
    outputs: int
    seed: int
    options: dict[str, Any]

    def build(self) -> nn.Module:
        """Return a network with the weights of a fresh initialization.

        Raises:
            UnknownNameError: No network has that name.
            SettingError: It does not take one of the options.
            ShapeError: It cannot take inputs of that shape.
        """
        factory = networks[self.name]
        check_whole("outputs", self.outputs, least=1)
        check_whole("seed", self.seed, least=0)
        parameters = inspect.signature(factory).parameters
        known = [each for each in parameters if each not in SIZES]
        for option in self.options:
            if option not in known:
                raise SettingError(
                    f"network {self.name!r} has no option {option!r}. {did_you_mean(option, known)}"
                    if known
                    else f"network {self.name!r} takes no options, got {option!r}."
                )
        needed = {name for name in known if parameters[name].default is inspect.Parameter.empty}
        if missing := sorted(needed - set(self.options)):
            raise SettingError(f"network {self.name!r} needs the option {missing[0]!r}.")
        with seeds.isolated(self.seed, "init"):
            model = factory(outputs=self.outputs, **self._inputs(set(parameters)), **self.options)
        model.recipe = self  # type: ignore[assignment]
        return model

    def _inputs(self, parameters: set[str]) -> dict[str, Any]:
        if "features" in parameters:
            return {"features": math.prod(self.shape)}
        if len(self.shape) != 3:
            wide = "×".join(str(length) for length in self.shape)
            raise ShapeError(
                f"network {self.name!r} takes images (channels, height, width), but one example "
                f"has shape {wide}. Use 'mlp'."
            )
        channels, height, width = self.shape
        sizes = {"channels": channels, "size": (height, width)}
        return {name: size for name, size in sizes.items() if name in parameters}


def recipe_of(model: nn.Module) -> Recipe | None:
    """Return how `tw.build` made this network; None for one made elsewhere."""
    recipe = getattr(model, "recipe", None)
    return recipe if isinstance(recipe, Recipe) else None
