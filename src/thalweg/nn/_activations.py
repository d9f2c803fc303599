"""The nonlinearities between layers, by name."""

from collections.abc import Callable
from dataclasses import dataclass

from torch import nn

from thalweg._core.registry import Registry


@dataclass(frozen=True)
class Activation:
    """A nonlinearity, and the initialization that suits the layer before it."""

    make: Callable[[], nn.Module]
    initialization: str


activations: Registry[Activation] = Registry("activation")
"""Every activation by name."""

# In each summary z is what the layer before gives.
for _name, _summary, _activation in (
    ("identity", "z", Activation(nn.Identity, "lecun")),
    ("sigmoid", "1 / (1 + e^−z)", Activation(nn.Sigmoid, "xavier")),
    ("tanh", "(e^z − e^−z) / (e^z + e^−z)", Activation(nn.Tanh, "xavier")),
    ("relu", "max(0, z)", Activation(nn.ReLU, "kaiming")),
    ("leaky_relu", "z where z > 0, else 0.01 z", Activation(nn.LeakyReLU, "kaiming")),
    (
        "prelu",
        "z where z > 0, else a·z with a learned",
        Activation(nn.PReLU, "kaiming"),
    ),
    ("elu", "z where z > 0, else e^z − 1", Activation(nn.ELU, "kaiming")),
    ("selu", "1.0507 z where z > 0, else 1.7581 (e^z − 1)", Activation(nn.SELU, "lecun")),
    ("softplus", "log(1 + e^z)", Activation(nn.Softplus, "kaiming")),
    ("gelu", "z Φ(z), Φ the standard normal distribution function", Activation(nn.GELU, "kaiming")),
    ("silu", "z / (1 + e^−z)", Activation(nn.SiLU, "kaiming")),
):
    activations.register(_name, summary=_summary)(_activation)


def activation(name: str) -> nn.Module:
    """Return a new activation.

    Raises:
        UnknownNameError: None has that name.

    Example:
        >>> activation("tanh")
        Tanh()
    """
    return activations[name].make()
