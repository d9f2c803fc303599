"""The output layer of a network, exchanged for one that fits other data."""

import dataclasses

import torch
from torch import Tensor, nn

from thalweg._core import seeds
from thalweg._core.modes import evaluating
from thalweg.errors import SettingError
from thalweg.models._registry import recipe_of
from thalweg.nn import initialize


def replace_head(model: nn.Module, outputs: int, example: Tensor, seed: int = 0) -> list[str]:
    """Give a network a new output layer in place, and return the names of what is new.

    Of a registered network it is what grows with the outputs, auxiliary heads too. Of any other it
    is the linear layer, or the convolution, that is called last.

    Args:
        model: The network; all other weights stay.
        outputs: How many numbers it is to give per example.
        example: Inputs to see by which layer is called last.
        seed: Of the new weights.

    Raises:
        SettingError: The last layer is of another kind.

    Example:
        >>> network = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 10))
        >>> replace_head(network, 3, torch.zeros(1, 4))
        ['2']
        >>> network[2].out_features
        3
    """
    recipe = recipe_of(model)
    device = next((each.device for each in model.parameters()), torch.device("cpu"))
    if recipe is not None:
        new = dataclasses.replace(recipe, outputs=outputs, seed=seed, weights=None, head=None)
        fresh = new.build()
        names = sorted({name.rpartition(".")[0] for name in new.head_names()})
        for name in names:
            model.set_submodule(name, fresh.get_submodule(name).to(device))
        model.recipe = dataclasses.replace(new, seed=recipe.seed)  # type: ignore[assignment]
        return names
    name, last = _last(model, example)
    with seeds.isolated(seed, "head"):
        layer = _like(last, outputs)
        initialize(layer, "lecun")
    model.set_submodule(name, layer.to(device))
    return [name]


def _last(model: nn.Module, example: Tensor) -> tuple[str, nn.Linear | nn.Conv2d]:
    """Return the layer that is called last of those with weights, and its name."""
    called: list[tuple[str, nn.Module]] = []
    handles = [
        each.register_forward_pre_hook(
            lambda module, given, name=name: called.append((name, module))
        )
        for name, each in model.named_modules()
        if any(True for _ in each.parameters(recurse=False))
    ]
    try:
        with evaluating(model) as device:
            model(example.to(device, copy=True))
    finally:
        for handle in handles:
            handle.remove()
    name, last = called[-1] if called else ("", model)
    if last is model and called:
        raise SettingError(
            "the network is a single layer, which is its head too, so that nothing of it would be "
            "kept. Hand over a new one that gives as many outputs as are needed."
        )
    if not name or not isinstance(last, (nn.Linear, nn.Conv2d)):
        raise SettingError(
            "the head of this network is no linear layer or convolution, but "
            f"{type(last).__name__}. Replace it yourself, to give as many outputs as are needed."
        )
    return name, last


def _like(layer: nn.Linear | nn.Conv2d, outputs: int) -> nn.Module:
    bias = layer.bias is not None
    if isinstance(layer, nn.Linear):
        return nn.Linear(layer.in_features, outputs, bias=bias)
    if layer.groups != 1 or isinstance(layer.padding, str):
        raise SettingError(
            "the head of this network is a convolution in groups. Replace it yourself."
        )
    kernel, stride, padding = layer.kernel_size, layer.stride, layer.padding
    return nn.Conv2d(
        layer.in_channels, outputs, (kernel[0], kernel[1]), (stride[0], stride[1]),
        (padding[0], padding[1]), bias=bias,
    )  # fmt: skip
