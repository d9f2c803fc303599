"""Transfer: which layers of a trained network are trained further, and how fast.

A layer is a module that has parameters, with the normalization behind it; layers are ordered as
the network calls them, and the last one is the head.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase

from thalweg._core import formats
from thalweg._core.modes import evaluating
from thalweg.errors import SettingError

NORMALIZATIONS = (_NormBase, nn.LayerNorm, nn.GroupNorm, nn.RMSNorm)
LAST = re.compile(r"last:([1-9]\d{0,3})")


@dataclass
class Transfer:
    """What is trained of a network, and what stays as it is."""

    still: list[nn.Module] = field(default_factory=list)
    """Batch normalizations of frozen layers: their moments stay, so they are not in training."""
    scales: dict[nn.Parameter, float] = field(default_factory=dict)
    """What the learning rate of a parameter is times, where not one."""
    before: list[tuple[nn.Parameter, bool]] = field(default_factory=list)
    """Whether each parameter was trainable before."""

    def train(self, model: nn.Module) -> None:
        """Put a network into training mode, but for what stays as it is."""
        model.train()
        for module in self.still:
            module.eval()

    def release(self) -> None:
        """Make trainable again what was so before."""
        for parameter, was_trainable in self.before:
            parameter.requires_grad_(was_trainable)


def learned_classes(model: nn.Module) -> tuple[Any, ...] | None:
    """Return the classes that a network was trained to tell apart; None where nobody knows."""
    return getattr(model, "classes_", None)


def remember_classes(model: nn.Module, classes: Sequence[Any]) -> None:
    """Note on a network which classes it was trained to tell apart."""
    model.classes_ = tuple(classes)  # type: ignore[assignment]


def check_tune(tune: str) -> None:
    """Refuse what does not say which layers are trained.

    Raises:
        SettingError: It is not "head", "last:k" or "all".
    """
    if tune not in ("head", "all") and not LAST.fullmatch(tune):
        raise SettingError(
            "tune must be 'head', 'all' or 'last:k' with a whole number k, such as 'last:3'; got "
            f"{formats.plain(repr(tune))}."
        )


def transfer(
    model: nn.Module, example: Tensor, tune: str | None, layer_decay: float | None
) -> Transfer:
    """Freeze what is not to be trained, and return what is to be known of it.

    Args:
        model: Its parameters become trainable or not.
        example: Inputs to see the order of its layers by.
        tune: "head", "last:k" or "all"; None leaves everything as it is.
        layer_decay: What the rate is multiplied by from each layer to the one before it.

    Raises:
        SettingError: There are fewer layers than are to be trained.
    """
    found = Transfer()
    if tune is None and layer_decay is None:
        return found
    layers = ordered_layers(model, example)
    if tune is not None:
        trained = _trained(tune, len(layers))
        found.before = [(each, each.requires_grad) for each in model.parameters()]
        for number, layer in enumerate(layers, start=1):
            is_trained = number > len(layers) - trained
            for module in layer:
                for parameter in _owned(module, layers):
                    parameter.requires_grad_(is_trained)
                if not is_trained and isinstance(module, _NormBase):
                    found.still.append(module)
    if layer_decay is not None and layer_decay != 1.0:
        for depth, layer in enumerate(reversed(layers)):
            for module in layer:
                for parameter in _owned(module, layers):
                    found.scales[parameter] = layer_decay**depth
    return found


def ordered_layers(model: nn.Module, example: Tensor) -> list[list[nn.Module]]:
    """Return the layers of a network, each with its normalizations, as they are called.

    Parts that only take part in training belong to the head.

    Example:
        >>> network = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3), nn.ReLU(), nn.Linear(3, 1))
        >>> [len(layer) for layer in ordered_layers(network, torch.zeros(1, 2))]
        [2, 1]
    """
    called: list[nn.Module] = []
    relevant = [each for each in model.modules() if _has_numbers(each)]

    def note(module: nn.Module, given: object) -> None:
        if module not in called:
            called.append(module)

    handles = [each.register_forward_pre_hook(note) for each in relevant]
    try:
        with torch.no_grad(), evaluating(model) as device:
            model(example.to(device, copy=True))
    finally:
        for handle in handles:
            handle.remove()
    layers: list[list[nn.Module]] = []
    for module in called:
        if isinstance(module, NORMALIZATIONS) and layers:
            layers[-1].append(module)
        else:
            layers.append([module])
    if not layers:
        raise SettingError("tune and layer_decay need a network that calls modules with weights.")
    inner = {part for module in called if module is not model for part in module.modules()}
    inner.add(model)
    layers[-1] += [module for module in relevant if module not in inner]
    return layers


def _has_numbers(module: nn.Module) -> bool:
    own = any(True for _ in module.parameters(recurse=False))
    return own or isinstance(module, _NormBase)


def _owned(module: nn.Module, layers: list[list[nn.Module]]) -> Iterator[nn.Parameter]:
    """Yield the parameters of a module, and of those inside it that are not called themselves."""
    others = {each for layer in layers for each in layer if each is not module}
    waiting = [module]
    while waiting:
        part = waiting.pop()
        yield from part.parameters(recurse=False)
        waiting += [child for child in part.children() if child not in others]


def _trained(tune: str, layers: int) -> int:
    """Return how many layers are trained, counted from the head."""
    if tune == "all":
        return layers
    trained = 1 if tune == "head" else int(tune.partition(":")[2])
    if trained > layers:
        raise SettingError(
            f"tune={tune!r} would train {trained} layers, and the network has {layers}. "
            "Use tune='all'."
        )
    return trained
