"""Receptive fields against those of Araujo, Norris and Sim (2019), their table 1."""

import pytest
import torch
from torch import nn

import thalweg as tw
from thalweg._anatomy import Anatomy

META = torch.device("meta")


class Unit(nn.Module):
    """A bottleneck of slim's ResNet v1, whose stride is in the 3×3 convolution."""

    def __init__(self, inputs: int, width: int, stride: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(inputs, width, 1, device=META),
            nn.ReLU(),
            nn.Conv2d(width, width, 3, stride, padding=1, device=META),
            nn.ReLU(),
            nn.Conv2d(width, 4 * width, 1, device=META),
        )
        is_same = inputs == 4 * width
        self.shortcut = (
            nn.MaxPool2d(1, stride)
            if is_same
            else nn.Conv2d(inputs, 4 * width, 1, stride, device=META)
        )

    def forward(self, inputs):
        return (self.shortcut(inputs) + self.body(inputs)).relu()


def slim_resnet(*counts: int) -> nn.Module:
    """Return the body of slim's ResNet v1: the last unit of a block strides, not the first."""
    layers: list[nn.Module] = [nn.Conv2d(3, 64, 7, 2, 3, device=META), nn.MaxPool2d(3, 2, 1)]
    channels = 64
    for block, count in enumerate(counts):
        for unit in range(count):
            is_last = unit == count - 1 and block < len(counts) - 1
            layers.append(Unit(channels, 64 * 2**block, 2 if is_last else 1))
            channels = 256 * 2**block
    return nn.Sequential(*layers, nn.Identity())


@pytest.mark.parametrize(
    ("counts", "size"),
    [((3, 4, 6, 3), 483), ((3, 4, 23, 3), 1027), ((3, 8, 36, 3), 1507)],
    ids=["resnet_v1_50", "resnet_v1_101", "resnet_v1_152"],
)
def test_residual_networks_have_the_published_field(counts, size):
    field = Anatomy(slim_resnet(*counts), (3, 224, 224)).layers[-1].receptive_field
    assert field.size == (size, size)
    assert field.stride == (32, 32)


@pytest.mark.parametrize(
    ("name", "image", "layer", "size", "stride"),
    [
        ("vgg16", 224, "features.30", 212, 32),
        ("alexnet_owt", 224, "features.12", 195, 32),
        ("mobilenet", 224, None, 315, 32),
        ("inception_v3", 299, "Mixed_7c", 1311, 32),
    ],
)
def test_networks_of_the_library_have_the_published_field(name, image, layer, size, stride):
    anatomy = tw.anatomy(name, (3, image, image))
    fields = [
        each.receptive_field
        for each in anatomy.layers
        if (layer is None or each.name.startswith(layer)) and each.receptive_field.stride[0]
    ]
    assert max(field.size[0] for field in fields) == size
    assert fields[-1].stride == (stride, stride)


def test_at_the_border_a_unit_sees_less_than_the_published_field():
    anatomy = tw.anatomy("vgg16")
    assert anatomy.layer("features.30").receptive_field.centre == (15.5, 15.5)
    # From 15.5 - 105.5 = -90 to 121, of which 0 to 121 are in the picture.
    assert anatomy.sees("features.30", 0, 3) == ((0, 121), (6, 217))


def test_the_classifier_sees_the_whole_picture():
    field = tw.anatomy("resnet50").layers[-1].receptive_field
    assert (field.size, field.stride) == ((224, 224), (None, None))
