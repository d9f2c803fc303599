"""Deep networks of full layers around which the input has a way: residual and highway."""

import math
from collections import OrderedDict

from torch import nn

from thalweg.errors import SettingError
from thalweg.models._options import check_depth, check_whole
from thalweg.models._registry import networks
from thalweg.nn import Highway, ResidualLinear, initialize


@networks.register("residual_mlp", summary="full layers in residual blocks, any depth and width")
def residual_mlp(*, outputs: int, features: int, hidden: int = 64, blocks: int = 4) -> nn.Module:
    """Return a residual network of full layers; inputs of any shape are flattened.

    A linear layer brings the inputs to `hidden` units. Each block then gives
    relu(x + norm(W₂ relu(norm(W₁ x)))) (He et al., 2015) with 2·hidden² + 4·hidden parameters.

    Args:
        outputs: Numbers given per example.
        features: Numbers taken per example.
        hidden: Units of every layer.
        blocks: How many blocks of two layers.

    Raises:
        SettingError: An option is out of range.

    Example:
        >>> network = residual_mlp(outputs=3, features=4, hidden=8, blocks=2)
        >>> sum(each.numel() for each in network.parameters())
        387
    """
    check_whole("hidden", hidden, least=1)
    check_whole("blocks", blocks, least=1)
    check_depth(2 * blocks)
    layers = _input(features, hidden)
    for number in range(1, blocks + 1):
        layers[f"block{number}"] = ResidualLinear(hidden)
    return _finished(layers, hidden, outputs)


@networks.register("highway", summary="full layers with gates, any depth and width")
def highway(
    *, outputs: int, features: int, hidden: int = 64, depth: int = 10, carry: float = 2.0
) -> nn.Module:
    """Return a highway network (Srivastava et al., 2015); inputs of any shape are flattened.

    A linear layer brings the inputs to `hidden` units. Each highway layer lets a gated share of
    its input pass and has 2·hidden·(hidden + 1) parameters.

    Args:
        outputs: Numbers given per example.
        features: Numbers taken per example.
        hidden: Units of every layer.
        depth: How many highway layers.
        carry: How far the gates are closed at first: σ(carry) of the input passes.

    Raises:
        SettingError: An option is out of range.

    Example:
        >>> network = highway(outputs=3, features=4, hidden=8, depth=2)
        >>> sum(each.numel() for each in network.parameters())
        355
    """
    check_whole("hidden", hidden, least=1)
    check_whole("depth", depth, least=1)
    check_depth(depth)
    if not isinstance(carry, (int, float)) or not math.isfinite(carry):
        raise SettingError(f"carry must be a finite number, such as 2; got {carry!r}.")
    layers = _input(features, hidden)
    for number in range(1, depth + 1):
        layers[f"highway{number}"] = Highway(hidden, carry)
    return _finished(layers, hidden, outputs)


def _input(features: int, hidden: int) -> "OrderedDict[str, nn.Module]":
    linear = nn.Linear(features, hidden)
    initialize(linear, "kaiming")
    return OrderedDict(flatten=nn.Flatten(), input=linear, activation=nn.ReLU())


def _finished(layers: "OrderedDict[str, nn.Module]", hidden: int, outputs: int) -> nn.Module:
    layers["output"] = nn.Linear(hidden, outputs)
    initialize(layers["output"], "lecun")
    return nn.Sequential(layers)
