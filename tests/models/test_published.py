"""Counts and names that papers and public weight files have, for every large network."""

import hashlib
import inspect

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from thalweg.models import networks

# Names and shapes of every tensor in torchvision 0.26's network, and so in its weight file: how
# many, and the beginning of the SHA-256 of the sorted lines "name 64×3×7×7".
PUBLIC = {
    "alexnet_owt": (16, "44015d041b91d49b"),
    "vgg11": (22, "710b62ed87606ef6"),
    "vgg11_bn": (62, "52de8e3cab436152"),
    "vgg13": (26, "6d4d32f68b45ab7a"),
    "vgg13_bn": (76, "1e471264da75c958"),
    "vgg16": (32, "b5f18a4ab89467e5"),
    "vgg16_bn": (97, "2a900b8dead088e7"),
    "vgg19": (38, "9d3147ef4824f045"),
    "vgg19_bn": (118, "99e60da438615607"),
    "resnet18": (122, "30a0a88c6c40c698"),
    "resnet34": (218, "fc5c03175606e4d9"),
    "resnet50": (320, "856daae52a5739bc"),
    "resnet101": (626, "7f99feff34026bcf"),
    "resnet152": (932, "1ce99042e3dcb94d"),
    "googlenet_3x3": (364, "2b4828afd64b2502"),
    "inception_v3": (580, "ad724effe1e068b0"),
    "mobilenet_v2": (314, "39fb3d49e571e424"),
}
# The course's numbers where it gives them, else those that torchvision documents.
PARAMETERS = {
    "alexnet": 62_378_344,
    "alexnet_owt": 61_100_840,
    "zfnet": 107_627_624,
    "vgg11": 132_863_336,
    "vgg11_bn": 132_868_840,
    "vgg13": 133_047_848,
    "vgg13_bn": 133_053_736,
    "vgg16": 138_357_544,
    "vgg16_bn": 138_365_992,
    "vgg19": 143_667_240,
    "vgg19_bn": 143_678_248,
    "googlenet": 13_378_280,
    "googlenet_3x3": 13_004_888,
    "inception_v3": 27_161_264,
    "resnet18": 11_689_512,
    "resnet34": 21_797_672,
    "resnet50": 25_557_032,
    "resnet101": 44_549_160,
    "resnet152": 60_192_808,
    "mobilenet_v2": 3_504_872,
}
# Multiply-accumulates on the size that each was made for.
MACS = {
    "alexnet": (227, 1_135_256_096),
    "vgg16": (224, 15_470_264_320),
    "vgg19": (224, 19_632_062_464),
}
# In thousands of millions, to the digits that torchvision's documentation prints.
ROUNDED_MACS = {
    "alexnet_owt": (224, "0.71"),
    "vgg11": (224, "7.61"),
    "vgg13": (224, "11.31"),
    "vgg16": (224, "15.47"),
    "vgg19": (224, "19.63"),
    "googlenet_3x3": (224, "1.50"),
    "inception_v3": (299, "5.71"),
    "resnet18": (224, "1.81"),
    "resnet34": (224, "3.66"),
    "resnet50": (224, "4.09"),
    "resnet101": (224, "7.80"),
    "resnet152": (224, "11.51"),
    "mobilenet_v2": (224, "0.30"),
}


def make(name: str, size: int = 224, outputs: int = 1000, **options: object) -> nn.Module:
    """Return a network without memory for its weights."""
    if "shortcut" in inspect.signature(networks[name]).parameters:
        options = {"stem": "large", **options}
    with torch.device("meta"):
        return networks[name](outputs=outputs, channels=3, size=(size, size), **options)


def parameters(network: nn.Module) -> int:
    return sum(each.numel() for each in network.parameters())


def macs(network: nn.Module, size: int) -> int:
    counter = FlopCounterMode(display=False)
    with counter, torch.no_grad():
        network.eval()(torch.zeros(1, 3, size, size, device="meta"))
    return counter.get_total_flops() // 2


@pytest.mark.parametrize("name", PUBLIC)
def test_names_and_shapes_are_those_of_the_public_file_in_its_order(name):
    state = make(name).state_dict()
    lines = [f"{key} {'×'.join(map(str, value.shape))}" for key, value in state.items()]
    digest = hashlib.sha256("\n".join(lines).encode()).hexdigest()
    assert (len(lines), digest[:16]) == PUBLIC[name]


@pytest.mark.parametrize(("name", "expected"), PARAMETERS.items())
def test_parameters_are_those_that_are_published(name, expected):
    assert parameters(make(name)) == expected


@pytest.mark.parametrize("name", MACS)
def test_multiply_accumulates_are_those_of_the_course(name):
    size, expected = MACS[name]
    assert macs(make(name, size), size) == expected


@pytest.mark.parametrize("name", ROUNDED_MACS)
def test_multiply_accumulates_are_those_that_are_documented(name):
    size, expected = ROUNDED_MACS[name]
    assert f"{macs(make(name, size), size) / 1e9:.2f}" == expected


@pytest.mark.parametrize(
    ("depth", "expected"), [(50, "3.8"), (101, "7.6"), (152, "11.3")], ids=["50", "101", "152"]
)
def test_residual_networks_with_the_stride_of_the_paper_cost_what_it_says(depth, expected):
    # Table 1 of He et al., 2015. Its networks have the shortcuts of both kinds; the table's own
    # numbers are those of projections without their cost, which is below the last digit printed.
    network = make(f"resnet{depth}", stride_first=True)
    found = macs(network, 224) / 1e9
    assert abs(found - float(expected)) < 0.1


@pytest.mark.parametrize(
    ("width", "millions", "expected"),
    [(1.0, "4.2", 569), (0.75, "2.6", 325), (0.5, "1.3", 149), (0.25, "0.5", 41)],
)
def test_mobilenets_of_every_width_are_those_of_the_paper(width, millions, expected):
    network = make("mobilenet", width=width)
    assert f"{parameters(network) / 1e6:.1f}" == millions
    assert round(macs(network, 224) / 1e6) == expected


def test_googlenet_costs_what_the_course_says():
    network = make("googlenet", auxiliary=False)
    assert parameters(network) == 6_998_552
    weights = sum(value.numel() for name, value in network.named_parameters() if "weight" in name)
    # The paper's table counts thousands of 1,024.
    assert f"{weights / 1024 / 1000:.1f}" == "6.8"
    assert f"{macs(network, 224) / 1e9:.1f}" in ("1.5", "1.6")


def test_shortcuts_of_zeros_have_no_parameters():
    # Three projections of 64·128, 128·256 and 256·512, and the two moments of each channel.
    projections = 64 * 128 + 128 * 256 + 256 * 512 + 2 * (128 + 256 + 512)
    for depth in (18, 34):
        name = f"resnet{depth}"
        bare = make(name, shortcut="padding")
        assert parameters(make(name)) - parameters(bare) == projections


def test_small_images_get_a_small_stem():
    with torch.device("meta"):
        small = networks["resnet18"](outputs=10, channels=3, size=(32, 32))
        large = networks["resnet18"](outputs=10, channels=3, size=(64, 64))
    assert small.conv1.kernel_size == (3, 3)
    assert not hasattr(small, "maxpool")
    assert large.conv1.kernel_size == (7, 7)
    # The usual form for 32×32: 11,173,962 parameters with ten classes.
    assert parameters(small) == 11_173_962
