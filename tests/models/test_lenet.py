import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from thalweg.models import build


def macs(network: nn.Module, *shape: int) -> int:
    counter = FlopCounterMode(display=False)
    with counter, torch.no_grad():
        network(torch.zeros(1, *shape))
    return counter.get_total_flops() // 2


@pytest.mark.parametrize(
    ("name", "size", "parameters", "expected_macs"),
    # The notes [B] and slides [C]; the second count of multiply-accumulates by hand:
    # 24²·20·25 + 8²·50·500 + 800·500 + 500·10.
    [("lenet", 32, 61_706, 416_520), ("lenet_caffe", 28, 431_080, 2_293_000)],
)
def test_parameters_and_macs_are_those_of_the_course(name, size, parameters, expected_macs):
    network = build(name, classes=10, channels=1, size=size)
    assert sum(each.numel() for each in network.parameters()) == parameters
    assert macs(network, 1, size, size) == expected_macs


@pytest.mark.parametrize("size", [1, 8, 27, 28, 31])
def test_small_images_meet_the_network_of_the_course(size):
    network = build("lenet", classes=10, channels=1, size=size)
    assert sum(each.numel() for each in network.parameters()) == 61_706


@pytest.mark.parametrize(("size", "side"), [(33, 5), (36, 6), (45, 8), (64, 13)])
def test_the_first_full_layer_grows_with_larger_images(size, side):
    network = build("lenet", classes=10, channels=1, size=size)
    assert network.get_submodule("hidden1").in_features == 16 * side * side


def test_the_layers_compute_what_lecun_drew():
    network = build("lenet", classes=10, channels=1, size=32, activation="tanh")
    weights = network.state_dict()
    images = torch.randn(2, 1, 32, 32, generator=torch.Generator().manual_seed(0))
    maps = images
    for layer in ("conv1", "conv2"):
        maps = nn.functional.conv2d(maps, weights[f"{layer}.weight"], weights[f"{layer}.bias"])
        maps = maps.tanh().unfold(2, 2, 2).unfold(3, 2, 2).mean(dim=(4, 5))
    flat = maps.flatten(1)
    for layer in ("hidden1", "hidden2"):
        flat = (flat @ weights[f"{layer}.weight"].T + weights[f"{layer}.bias"]).tanh()
    expected = flat @ weights["output.weight"].T + weights["output.bias"]
    torch.testing.assert_close(network(images), expected)
