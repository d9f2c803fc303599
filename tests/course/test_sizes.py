"""Topics V4 and V12 of the course and the numbers that its notes have wrong (Z3, Z5, Z6)."""

from itertools import pairwise

import pytest
import torch
from torch import nn

from thalweg._anatomy import Anatomy

# Shapes and prices need no weights in memory.
META = torch.device("meta")


def convolution(inputs, outputs, size, stride=1, padding=0):
    return nn.Conv2d(inputs, outputs, size, stride, padding, device=META)


def full(*widths):
    return [nn.Linear(*pair, device=META) for pair in pairwise(widths)]


def vgg(steps: str) -> nn.Module:
    """Return a VGG: a digit is a 3×3 convolution of 64 times as many channels, "p" a pool."""
    stages, channels = [], 3
    for step in steps:
        if step == "p":
            stages.append(nn.MaxPool2d(2))
        else:
            stages.append(convolution(channels, 64 * int(step), 3, padding=1))
            channels = 64 * int(step)
    return nn.Sequential(*stages, nn.Flatten(), *full(512 * 7 * 7, 4096, 4096, 1000))


@pytest.mark.parametrize("side", [12, 13, 14, 15])
@pytest.mark.parametrize(("size", "stride"), [(2, 2), (3, 2), (3, 1), (5, 4)])
@pytest.mark.parametrize("pool", [nn.MaxPool2d, nn.AvgPool2d])
def test_a_pool_gives_one_more_than_the_notes_say(pool, side, size, stride):
    (layer,) = Anatomy(pool(size, stride), (3, side, side)).layers
    # Z3: ⌊(h − f)/s⌋ + 1, the number of windows that fit.
    windows = len(range(0, side - size + 1, stride))
    assert layer.output_shape == (3, windows, windows)
    assert windows == (side - size) // stride + 1


@pytest.mark.parametrize(
    ("layer", "shape", "parameters", "output"),
    [
        # AlexNet: 227 pixels fit eleven at stride 4; 11·11·3·96 + 96.
        (convolution(3, 96, 11, 4), (3, 227, 227), 34_944, (96, 55, 55)),
        # The slides' 224 with padding 2 give the same map.
        (convolution(3, 96, 11, 4, 2), (3, 224, 224), 34_944, (96, 55, 55)),
        # ZFNet: the second convolution at stride 2, the fifth, and the first full layer.
        (convolution(96, 256, 5, 2), (96, 55, 55), 614_656, (256, 26, 26)),
        (convolution(1024, 512, 3, 1, 1), (1024, 13, 13), 4_719_104, (512, 13, 13)),
        (full(6 * 6 * 512, 4096)[0], (6 * 6 * 512,), 75_501_568, (4096,)),
    ],
)
def test_layers_that_the_notes_count_wrong(layer, shape, parameters, output):
    (found,) = Anatomy(layer, shape).layers
    assert found.parameters == parameters
    assert found.output_shape == output


@pytest.mark.parametrize(
    ("steps", "parameters", "macs"),
    [
        ("11p22p444p888p888p", 138_357_544, 15_470_264_320),
        ("11p22p4444p8888p8888p", 143_667_240, 19_632_062_464),
    ],
    ids=["vgg16", "vgg19"],
)
def test_the_cost_of_vgg_is_that_of_the_course(steps, parameters, macs):
    anatomy = Anatomy(vgg(steps), (3, 224, 224))
    assert anatomy.parameters == parameters
    assert anatomy.macs == macs
    # Z11: a multiply-accumulate is two floating-point operations.
    assert anatomy.flops == 2 * macs
    assert anatomy.not_priced == []
