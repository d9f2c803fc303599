"""Residual networks: each block adds to what it was given, so that depth stops to harm."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from torch import nn

from thalweg.errors import SettingError
from thalweg.models._classifier import initialize_rectified
from thalweg.models._options import check_image_size, one_of
from thalweg.models._registry import networks
from thalweg.nn import BasicBlock, BatchNorm2d, Bottleneck, ZeroPadding

WIDTHS = (64, 128, 256, 512)
# Smaller images would come out of the large stem as maps of a few pixels.
SMALLEST_FOR_LARGE_STEM = 64

Block = type[BasicBlock] | type[Bottleneck]


@dataclass(frozen=True)
class Form:
    """A column of table 1 of He et al., 2015."""

    block: Block
    blocks: tuple[int, int, int, int]
    """Of each stage."""
    parameters: int
    """On colour images with a thousand classes."""


FORMS = {
    18: Form(BasicBlock, (2, 2, 2, 2), 11_689_512),
    34: Form(BasicBlock, (3, 4, 6, 3), 21_797_672),
    50: Form(Bottleneck, (3, 4, 6, 3), 25_557_032),
    101: Form(Bottleneck, (3, 4, 23, 3), 44_549_160),
    152: Form(Bottleneck, (3, 8, 36, 3), 60_192_808),
}


def resnet(
    form: Form,
    *,
    outputs: int,
    channels: int,
    stem: str,
    shortcut: str = "projection",
    stride_first: bool = False,
) -> nn.Module:
    """Return a residual network (He et al., 2015).

    A stem, four stages of blocks of 64, 128, 256 and 512 channels, of which all but the first
    halve the map, a global average, and the output layer. Names and shapes are those of
    torchvision, so that its public weights load.

    Args:
        form: Which block, and how many.
        outputs: Numbers given per image.
        channels: Of an image: 1 grey, 3 colour.
        stem: "large": 7×7 at stride 2 and a maximum, for photographs; "small": 3×3.
        shortcut: Where a block changes the shape, a "projection" by 1×1 convolution, or
            "padding" with channels of zeros, which has no parameters.
        stride_first: Whether the first 1×1 of a bottleneck takes the stride, as in the paper,
            in place of its 3×3, as in the public weights.

    Raises:
        SettingError: An option is out of range.

    Example:
        >>> import torch
        >>> with torch.device("meta"):
        ...     network = resnet(FORMS[18], outputs=1000, channels=3, stem="large")
        >>> sum(each.numel() for each in network.parameters())
        11689512
    """
    one_of("stem", stem, ("large", "small"))
    one_of("shortcut", shortcut, ("projection", "padding"))
    block: Callable[..., nn.Module] = form.block
    if stride_first is not False:
        if stride_first is not True or form.block is BasicBlock:
            raise SettingError(
                "stride_first must be true or false, and false where blocks have no 1×1 "
                f"convolution (resnet18, resnet34); got {stride_first!r}."
            )
        block = partial(Bottleneck, stride_first=True)
    layers: OrderedDict[str, nn.Module] = _stem(channels, stem)
    channels = WIDTHS[0]
    for stage, (width, blocks) in enumerate(zip(WIDTHS, form.blocks, strict=True), start=1):
        given, steps = width * form.block.expansion, []
        for number in range(blocks):
            stride = 2 if number == 0 and stage > 1 else 1
            changed = stride != 1 or channels != given
            past = _shortcut(shortcut, channels, given, stride) if changed else None
            steps.append(block(channels, width, stride, past))
            channels = given
        layers[f"layer{stage}"] = nn.Sequential(*steps)
    layers["avgpool"] = nn.AdaptiveAvgPool2d(1)
    layers["flatten"] = nn.Flatten()
    layers["fc"] = nn.Linear(channels, outputs)
    network = nn.Sequential(layers)
    initialize_rectified(network, layers["fc"])
    return network


def _stem(channels: int, kind: str) -> "OrderedDict[str, nn.Module]":
    is_large = kind == "large"
    kernel, stride = (7, 2) if is_large else (3, 1)
    layers: OrderedDict[str, nn.Module] = OrderedDict(
        conv1=nn.Conv2d(channels, WIDTHS[0], kernel, stride, padding=kernel // 2, bias=False),
        bn1=BatchNorm2d(WIDTHS[0]),
        relu=nn.ReLU(inplace=True),
    )
    if is_large:
        layers["maxpool"] = nn.MaxPool2d(3, 2, padding=1)
    return layers


def _shortcut(kind: str, channels: int, given: int, stride: int) -> nn.Module:
    if kind == "padding":
        return ZeroPadding(channels, given, stride)
    return nn.Sequential(nn.Conv2d(channels, given, 1, stride, bias=False), BatchNorm2d(given))


def _register(depth: int, form: Form) -> None:
    name = f"resnet{depth}"

    def factory(
        *,
        outputs: int,
        channels: int,
        size: tuple[int, int],
        stem: str | None = None,
        shortcut: str = "projection",
        stride_first: bool = False,
    ) -> nn.Module:
        check_image_size(name, size)
        is_large = min(size) >= SMALLEST_FOR_LARGE_STEM
        return resnet(
            form,
            outputs=outputs,
            channels=channels,
            stem=("large" if is_large else "small") if stem is None else stem,
            shortcut=shortcut,
            stride_first=stride_first,
        )

    summary = f"residual network of {depth} layers, {form.parameters:,}; public weights"
    networks.register(name, summary=summary)(factory)


for _depth, _form in FORMS.items():
    _register(_depth, _form)
