from itertools import pairwise

import pytest
import torch
from torch import nn

from thalweg.errors import SettingError, UnknownNameError
from thalweg.models import build
from thalweg.nn import activations


@pytest.mark.parametrize("hidden", [[], 5, [8], [8, 7, 6, 5]])
def test_a_layer_of_n_units_on_m_inputs_has_n_times_m_plus_one_parameters(hidden):
    network = build("mlp", outputs=3, features=4, hidden=hidden)
    sizes = [4, *([hidden] if isinstance(hidden, int) else hidden), 3]
    expected = sum(n * (m + 1) for m, n in pairwise(sizes))
    assert sum(each.numel() for each in network.parameters()) == expected


def test_the_default_network_computes_what_its_layers_say():
    network = build("mlp", outputs=2, features=3, hidden=[5], activation="tanh")
    state = network.state_dict()
    inputs = torch.randn(4, 3, generator=torch.Generator().manual_seed(0))
    hidden = torch.tanh(inputs @ state["hidden1.weight"].T + state["hidden1.bias"])
    expected = hidden @ state["output.weight"].T + state["output.bias"]
    torch.testing.assert_close(network(inputs), expected)


@pytest.mark.parametrize("activation", activations.names())
@pytest.mark.parametrize("normalization", [None, "batch", "layer"])
def test_every_activation_and_normalization_trains(activation, normalization):
    network = build(
        "mlp", outputs=2, features=3, activation=activation, normalization=normalization
    )
    inputs = torch.randn(6, 3, generator=torch.Generator().manual_seed(0))
    network(inputs).square().sum().backward()
    gradients = [each.grad for each in network.parameters()]
    assert all(each is not None and each.isfinite().all() for each in gradients)


def test_the_order_is_linear_normalization_activation_dropout():
    network = build("mlp", outputs=2, features=3, hidden=[4], normalization="batch", dropout=0.1)
    kinds = [type(layer).__name__ for layer in network.children()]
    assert kinds == ["Flatten", "Linear", "BatchNorm1d", "ReLU", "Dropout", "Linear"]


def test_selu_gets_the_dropout_that_keeps_its_moments():
    network = build("mlp", outputs=2, features=3, activation="selu", dropout=0.1)
    assert any(isinstance(layer, nn.AlphaDropout) for layer in network.children())


@pytest.mark.parametrize(
    ("activation", "variance"),
    [("relu", 2 / 400), ("tanh", 2 / (400 + 300)), ("selu", 1 / 400), ("gelu", 2 / 400)],
)
def test_the_initialization_suits_the_activation(activation, variance):
    network = build("mlp", outputs=2, features=400, hidden=[300], activation=activation)
    weight = network.get_parameter("hidden1.weight")
    # 120,000 draws: the sample variance is within 4 standard errors, 4·√(2/120000) = 1.6 %.
    assert weight.var().item() == pytest.approx(variance, rel=0.016)


def test_the_initialization_can_be_named():
    network = build("mlp", outputs=2, features=8, hidden=[8], initialization="orthogonal")
    weight = network.get_parameter("hidden1.weight").detach()
    torch.testing.assert_close(weight @ weight.T, torch.eye(8), atol=1e-5, rtol=0)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"hidden": [0]}, "hidden must be whole numbers"),
        ({"dropout": 1.0}, "dropout must be from 0"),
        ({"normalization": "group"}, "normalization must be one of"),
    ],
)
def test_options_that_make_no_sense_are_refused(options, message):
    with pytest.raises(SettingError, match=message):
        build("mlp", outputs=2, features=3, **options)


def test_an_unknown_activation_is_met_with_the_nearest_one():
    with pytest.raises(UnknownNameError, match="Did you mean 'leaky_relu'"):
        build("mlp", outputs=2, features=3, activation="leakyrelu")
    with pytest.raises(UnknownNameError, match="Did you mean 'kaiming'"):
        build("mlp", outputs=2, features=3, initialization="kaimin")
