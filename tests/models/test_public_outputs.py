"""Outputs are those of torchvision's networks, layer for layer, for the same weights and image."""

import pytest
import torch
from torch import Tensor, nn

from thalweg.models import networks

# The first three of a thousand outputs that torchvision 0.26's own classes gave, filled by the
# formula below, for an image of so many pixels a side.
OUTPUTS = {
    "alexnet_owt": (70, [-2.279, -5.0861, -6.3553]),
    "vgg11_bn": (40, [-4.3789, -2.6637, -4.3931]),
    "vgg16": (40, [-1.9529, -0.078022, -2.1399]),
    "resnet18": (70, [48.564, -29.081, 20.534]),
    "resnet50": (70, [-4762.6, 1044.6, 6330.3]),
    "resnet101": (70, [-52935000.0, -14751000.0, 86151000.0]),
    "googlenet_3x3": (70, [-1.9273, 3.1571, 7.3843]),
    "inception_v3": (90, [-0.80668, 1.0336, 0.12536]),
    "mobilenet_v2": (70, [-1.4915, 0.7951, -2.2653]),
}


def noise(length: int, start: int) -> Tensor:
    """Return numbers from −1 to 1 without a pattern, the same on any machine."""
    drawn = torch.sin(12.9898 * torch.arange(length, dtype=torch.float64) + start) * 43758.5453
    return (2 * (drawn - drawn.floor()) - 1).float()


def fill(network: nn.Module) -> None:
    """Give every tensor of a state dict numbers by its name and shape, of a bearable size."""
    with torch.no_grad():
        for name, value in sorted(network.state_dict().items()):
            if not value.is_floating_point():
                continue
            drawn = noise(value.numel(), len(name)).view(value.shape)
            if value.ndim > 1:
                drawn *= (2 / value[0].numel()) ** 0.5 * 1.7
            elif name.endswith(("bias", "mean")):
                drawn *= 0.1
            else:
                drawn = 1 + 0.3 * drawn
            value.copy_(drawn)


@pytest.mark.parametrize(("name", "side", "expected"), [(n, *each) for n, each in OUTPUTS.items()])
def test_outputs_are_those_of_the_reference(name, side, expected):
    network = networks[name](outputs=1000, channels=3, size=(side, side)).eval()
    fill(network)
    image = 2 * noise(3 * side * side, 0).view(1, 3, side, side)
    with torch.no_grad():
        found = network(image)[0, :3]
    torch.testing.assert_close(found, torch.tensor(expected), rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("name", ["googlenet_3x3", "inception_v3"])
def test_what_is_hooked_under_the_name_of_a_layer_has_the_shape_of_the_reference(name):
    with torch.device("meta"):
        network = networks[name](outputs=7, channels=3, size=(299, 299)).eval()
        shapes = []
        network.dropout.register_forward_hook(lambda *called: shapes.append(called[2].shape))
        network(torch.zeros(2, 3, 299, 299))
    # torchvision flattens before it drops in the one, and after it in the other.
    expected = {"googlenet_3x3": (2, 1024), "inception_v3": (2, 2048, 1, 1)}
    assert [tuple(each) for each in shapes] == [expected[name]]
