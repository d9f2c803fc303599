"""The weights before training.

A layer gives z = Σ wᵢ xᵢ over its fan_in inputs, so Var z = fan_in · Var w · E[x²]: weights too
small make signals vanish with depth, too large make them explode. Every rule below picks
Var w so that they keep their size. fan_out is the same for the gradients on the way back. For a
convolution both count the positions of the kernel.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import init

from thalweg._core.registry import Registry

initializations: Registry[Callable[[Tensor], Tensor]] = Registry("initialization")
"""Every initialization of a weight by name; each fills the weight in place and returns it."""


@initializations.register("kaiming", summary="N(0, 2/fan_in), for the ReLU family")
def kaiming(weight: Tensor) -> Tensor:
    """Draw from N(0, 2/fan_in): the 2 makes up for the half that ReLU cuts (He et al., 2015)."""
    return init.kaiming_normal_(weight, nonlinearity="relu")


@initializations.register("kaiming_uniform", summary="U(−a, a), a = √(6/fan_in)")
def kaiming_uniform(weight: Tensor) -> Tensor:
    """Draw from U(−a, a) with a = √(6/fan_in), which has the variance of `kaiming`."""
    return init.kaiming_uniform_(weight, nonlinearity="relu")


@initializations.register("xavier", summary="N(0, 2/(fan_in + fan_out)), for tanh and sigmoid")
def xavier(weight: Tensor) -> Tensor:
    """Draw from N(0, 2/(fan_in + fan_out)), between both directions (Glorot, Bengio, 2010)."""
    return init.xavier_normal_(weight)


@initializations.register("xavier_uniform", summary="U(−a, a), a = √(6/(fan_in + fan_out))")
def xavier_uniform(weight: Tensor) -> Tensor:
    """Draw from U(−a, a) with a = √(6/(fan_in + fan_out)), which has the variance of `xavier`."""
    return init.xavier_uniform_(weight)


@initializations.register("lecun", summary="N(0, 1/fan_in), for linear layers and SELU")
def lecun(weight: Tensor) -> Tensor:
    """Draw from N(0, 1/fan_in) (LeCun et al., 1998)."""
    return init.kaiming_normal_(weight, nonlinearity="linear")


@initializations.register("lecun_uniform", summary="U(−a, a), a = √(3/fan_in)")
def lecun_uniform(weight: Tensor) -> Tensor:
    """Draw from U(−a, a) with a = √(3/fan_in), which has the variance of `lecun`."""
    return init.kaiming_uniform_(weight, nonlinearity="linear")


@initializations.register("orthogonal", summary="a random orthogonal matrix")
def orthogonal(weight: Tensor) -> Tensor:
    """Draw a matrix with orthonormal rows or columns, which keeps lengths (Saxe et al., 2014)."""
    return init.orthogonal_(weight)


@initializations.register("zeros", summary="all zero, for a single layer only")
def zeros(weight: Tensor) -> Tensor:
    """Fill with zeros; below another layer all units would stay alike for ever."""
    return init.zeros_(weight)


def initialize(module: nn.Module, name: str) -> None:
    """Initialize every linear and convolutional layer inside a module; biases become zero.

    Draws from torch's global generator.

    Raises:
        UnknownNameError: No initialization has that name.

    Example:
        >>> layer = nn.Linear(1000, 10)
        >>> initialize(layer, "kaiming")
        >>> bool(abs(layer.weight.std() - (2 / 1000) ** 0.5) < 0.002)
        True
    """
    fill = initializations[name]
    with torch.no_grad():
        for layer in module.modules():
            if isinstance(layer, (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d)):
                fill(layer.weight)
                if layer.bias is not None:
                    init.zeros_(layer.bias)
