import math

import pytest
import torch
from torch import nn

from thalweg.errors import UnknownNameError
from thalweg.nn import initializations, initialize

FAN_IN, FAN_OUT = 50 * 9, 80 * 9
VARIANCES = {
    "kaiming": 2 / FAN_IN,
    "kaiming_uniform": 2 / FAN_IN,
    "xavier": 2 / (FAN_IN + FAN_OUT),
    "xavier_uniform": 2 / (FAN_IN + FAN_OUT),
    "lecun": 1 / FAN_IN,
    "lecun_uniform": 1 / FAN_IN,
    "zeros": 0.0,
}


@pytest.mark.parametrize("name", VARIANCES)
def test_weights_have_the_variance_of_the_formula_and_biases_are_zero(name):
    torch.manual_seed(0)
    layer = nn.Conv2d(50, 80, 3)
    initialize(layer, name)
    # 36,000 draws: within 4 standard errors, 4·√(2/36000) = 3 %.
    assert layer.weight.var().item() == pytest.approx(VARIANCES[name], rel=0.03)
    assert not layer.bias.any()


@pytest.mark.parametrize("name", ["kaiming_uniform", "xavier_uniform", "lecun_uniform"])
def test_uniform_weights_end_at_the_bound_of_the_formula(name):
    torch.manual_seed(0)
    layer = nn.Conv2d(50, 80, 3)
    initialize(layer, name)
    # A uniform distribution of variance v ends at √(3v).
    bound = math.sqrt(3 * VARIANCES[name])
    assert 0.999 * bound < layer.weight.abs().max().item() <= bound


def test_orthogonal_weights_keep_lengths():
    torch.manual_seed(0)
    layer = nn.Linear(16, 16)
    initialize(layer, "orthogonal")
    vector = torch.randn(16)
    torch.testing.assert_close((layer.weight @ vector).norm(), vector.norm())


def test_deep_relu_networks_keep_the_size_of_their_signal_under_kaiming_only():
    torch.manual_seed(0)
    signal = torch.randn(100, 256)
    sizes = {}
    for name in ("kaiming", "xavier"):
        network = nn.Sequential(*(nn.Sequential(nn.Linear(256, 256), nn.ReLU()) for _ in range(30)))
        initialize(network, name)
        sizes[name] = network(signal).square().mean().item()
    assert 0.1 < sizes["kaiming"] < 10
    # Half of the variance is lost in each of 30 layers: 2⁻³⁰ is 1e-9.
    assert sizes["xavier"] < 1e-7


def test_layers_that_are_neither_linear_nor_convolutional_keep_their_weights():
    norm = nn.LayerNorm(4)
    initialize(norm, "zeros")
    assert norm.weight.all()


def test_an_unknown_initialization_is_met_with_the_nearest_one():
    with pytest.raises(UnknownNameError, match="Did you mean 'xavier'"):
        initialize(nn.Linear(1, 1), "xavierr")


def test_every_initialization_fills_a_weight_in_place():
    for entry in initializations:
        weight = torch.full((4, 6), math.nan)
        assert entry.value(weight) is weight
        assert weight.isfinite().all()
