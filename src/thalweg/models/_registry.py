"""Networks by name, fitted to the data they are for."""

import inspect
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from thalweg._core import formats, memory, seeds
from thalweg._core.choices import Choice
from thalweg._core.registry import Registry, did_you_mean
from thalweg.errors import SettingError, ShapeError, ThalwegError
from thalweg.models._options import check_whole

S = TypeVar("S")
SIZES = ("outputs", "features", "channels", "size")

networks: Registry[Callable[..., nn.Module]] = Registry("network")
"""Every network by name.

A factory takes `outputs`, and either `features` (it flattens what it gets) or `channels` and, if
it matters, `size`, height and width (it takes images), all keyword-only; its other keyword-only
parameters are its options. A network for one task alone names it by an attribute `task`.
"""


@dataclass(frozen=True)
class Origin:
    """What a network was made for."""

    shape: tuple[int, ...] = (3, 224, 224)
    """Of one example; photographs, for most networks."""
    classes: int = 1000
    """As many as ImageNet's, for most networks."""


def made_for(shape: tuple[int, ...], classes: int = 1000) -> Callable[[S], S]:
    """Return a decorator that notes what a network was made for, where that is unusual."""

    def note(factory: S) -> S:
        factory.origin = Origin(shape, classes)  # type: ignore[attr-defined]
        return factory

    return note


def origin_of(name: str) -> Origin:
    """Return what a network was made for.

    Raises:
        UnknownNameError: No network has that name.

    Example:
        >>> import thalweg.models
        >>> origin_of("lenet"), origin_of("resnet18")
        (Origin(shape=(1, 32, 32), classes=10), Origin(shape=(3, 224, 224), classes=1000))
    """
    return getattr(networks[name], "origin", Origin())


@dataclass(frozen=True)
class Recipe:
    """How a registered network was made; enough to make it again."""

    name: str
    shape: tuple[int, ...]
    outputs: int
    seed: int
    options: dict[str, Any]
    weights: str | None = None
    """The file that it began from, or "imagenet"; None for a fresh initialization."""
    head: str | None = None
    """"new" where the output layer was left out of that file's weights."""

    def build(self, most: float | None = None) -> nn.Module:
        """Return a network with the weights of a fresh initialization.

        Args:
            most: Bytes that its weights may take, where a file is to fill them: settings of a
                stranger may ask for any number of units. Never more than what memory there is.

        Raises:
            UnknownNameError: No network has that name.
            SettingError: It does not take one of the options, or its weights take too much.
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
        sizes = {"outputs": self.outputs, **self._inputs(set(parameters))}
        limit = min(memory.available(), math.inf if most is None else most)
        needed = self._bytes(lambda: factory(**sizes, **self.options))
        if needed > limit:
            raise SettingError(
                f"network {self.name!r} would have {formats.size(needed)} of weights, and there is "
                f"room for {formats.size(limit)}. Make it smaller."
            )
        with seeds.isolated(self.seed, "init"):
            model = factory(**sizes, **self.options)
        model.recipe = self  # type: ignore[assignment]
        return model

    def reminder(self) -> str:
        """Return what to say to inputs that the network refuses."""
        wide = "×".join(str(length) for length in self.shape)
        return (
            f"It was built for inputs of {wide}: give it such, or build another for these, "
            f"tw.build({self.name!r}, …)."
        )

    def head_names(self) -> frozenset[str]:
        """Return the names of the output layers' tensors: those that grow with the outputs."""
        shapes = []
        for outputs in (self.outputs, self.outputs + 1):
            factory = networks[self.name]
            sizes = {"outputs": outputs, **self._inputs(set(inspect.signature(factory).parameters))}
            with seeds.isolated(self.seed, "init"), torch.device("meta"), Undrawn():
                state = factory(**sizes, **self.options).state_dict()
            shapes.append({name: value.shape for name, value in state.items()})
        return frozenset(name for name, shape in shapes[0].items() if shapes[1][name] != shape)

    def _bytes(self, make: Callable[[], nn.Module]) -> int:
        """Return what the weights of a network take, which is made without memory for them.

        Raises:
            SettingError: Its sizes are beyond what torch can count.
        """
        try:
            with seeds.isolated(self.seed, "init"), torch.device("meta"), Undrawn():
                model = make()
        except (RuntimeError, TypeError, OverflowError) as error:
            if isinstance(error, ThalwegError) or not _is_overflow(error):
                raise
            raise SettingError(f"network {self.name!r} would be larger than any memory.") from None
        return sum(each.nbytes for each in model.state_dict().values())

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


class Undrawn(TorchFunctionMode):
    """Draws nothing: without memory for it, that imports torch's compiler, for three seconds."""

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        is_draw = getattr(func, "__name__", "") in ("normal_", "uniform_", "trunc_normal_")
        return args[0] if is_draw and args else func(*args, **(kwargs or {}))


def _is_overflow(error: Exception) -> bool:
    """Return whether torch says of sizes that it cannot count so far."""
    words = ("overflow", "Overflow", "too large", "too big", "int64", "out of range")
    return isinstance(error, OverflowError) or any(word in str(error) for word in words)


def recipe_of(model: nn.Module) -> Recipe | None:
    """Return how `tw.build` made this network; None for one made elsewhere."""
    recipe = getattr(model, "recipe", None)
    return recipe if isinstance(recipe, Recipe) else None


def choices_of(model: nn.Module) -> list[Choice]:
    """Return what was decided when `tw.build` made this network, besides what its recipe says."""
    choices = getattr(model, "choices", [])
    is_ours = recipe_of(model) is not None and isinstance(choices, list)
    return [each for each in choices if isinstance(each, Choice)] if is_ours else []
