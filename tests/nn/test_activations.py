import math

import pytest
import torch

from thalweg.nn import activation, activations

Z = torch.linspace(-3, 3, 13)

FORMULAS = {
    "identity": lambda z: z,
    "sigmoid": lambda z: 1 / (1 + math.exp(-z)),
    "tanh": math.tanh,
    "relu": lambda z: max(0.0, z),
    "leaky_relu": lambda z: z if z > 0 else 0.01 * z,
    "prelu": lambda z: z if z > 0 else 0.25 * z,
    # The identity above zero: the notes have the two cases of ELU and SELU swapped.
    "elu": lambda z: z if z > 0 else math.exp(z) - 1,
    "selu": lambda z: 1.0507009873554805 * (z if z > 0 else 1.6732632423543772 * (math.exp(z) - 1)),
    "softplus": lambda z: math.log(1 + math.exp(z)),
    "gelu": lambda z: z * (1 + math.erf(z / math.sqrt(2))) / 2,
    "silu": lambda z: z / (1 + math.exp(-z)),
}


@pytest.mark.parametrize("name", activations.names())
def test_every_activation_is_its_formula(name):
    expected = torch.tensor([FORMULAS[name](z) for z in Z.tolist()])
    torch.testing.assert_close(activation(name)(Z), expected, atol=1e-6, rtol=1e-5)


def test_prelu_learns_its_slope():
    assert [each.item() for each in activation("prelu").parameters()] == [0.25]
