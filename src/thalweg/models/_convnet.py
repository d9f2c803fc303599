"""A small modern convolutional network."""

from collections import OrderedDict
from collections.abc import Sequence

from torch import nn

from thalweg.errors import SettingError
from thalweg.models._options import check_depth, check_image_size, check_whole, probability
from thalweg.models._options import widths as checked_widths
from thalweg.models._registry import networks
from thalweg.nn import BatchNorm2d, initialize

# Maps larger than this cost most of the time and add little: photographs are first cut into
# patches, as in ConvNeXt (Liu et al., 2022), until twice this would be too large again.
SMALLEST_MAP = 32


@networks.register("convnet", summary="small modern convolutional network, any image size")
def convnet(
    *,
    outputs: int,
    channels: int,
    size: tuple[int, int],
    widths: Sequence[int] = (32, 64, 128),
    depth: int = 1,
    dropout: float = 0.0,
) -> nn.Module:
    """Return stages of 3×3 convolutions, a global average, and one linear layer.

    A stage is `depth` times convolution, batch normalization, ReLU; between stages maximum
    pooling halves the map, rounding up, so that images of any size pass. The global average
    (Lin et al., 2014) leaves one number per channel, whatever the size. A convolution of n
    channels on m has 9·n·m parameters, its normalization 2n, the output outputs·(n + 1): on
    grey images 94,186 with the defaults and ten classes.

    Images of 64 pixels or more are first cut into patches of s×s, the largest power of two
    that leaves at least 32 patches to the shorter side: s²·channels·n + 2n parameters more.

    Args:
        outputs: Numbers given per image.
        channels: Of an image: 1 grey, 3 colour.
        size: Height and width in pixels.
        widths: Channels of each stage.
        depth: Convolutions in each stage.
        dropout: Probability with which one of the averages is silenced while training.

    Raises:
        SettingError: An option is out of range.
        ShapeError: The images have no pixels.

    Example:
        >>> network = convnet(outputs=10, channels=1, size=(28, 28))
        >>> sum(each.numel() for each in network.parameters())
        94186
    """
    check_image_size("convnet", size)
    stages = checked_widths("widths", widths)
    if not stages:
        raise SettingError("widths must name at least one stage, such as 32,64,128; got none.")
    check_whole("depth", depth, least=1)
    check_depth(depth * len(stages))
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    patch = _patch(min(size))
    if patch > 1:
        layers["patches"] = _step(channels, stages[0], kernel=patch, stride=patch)
        channels = stages[0]
    for index, width in enumerate(stages, start=1):
        if index > 1:
            layers[f"pool{index - 1}"] = nn.MaxPool2d(2, ceil_mode=True)
        for step in range(1, depth + 1):
            layers[f"stage{index}_{step}"] = _step(channels, width, kernel=3, stride=1)
            channels = width
    layers["average"] = nn.AdaptiveAvgPool2d(1)
    layers["flatten"] = nn.Flatten()
    if probability("dropout", dropout) > 0:
        layers["dropout"] = nn.Dropout(dropout)
    network = nn.Sequential(layers)
    initialize(network, "kaiming")
    output = nn.Linear(channels, outputs)
    initialize(output, "lecun")
    network.add_module("output", output)
    return network


def _step(channels: int, width: int, *, kernel: int, stride: int) -> nn.Module:
    """Return convolution, normalization and ReLU; the normalization's shift is the only bias."""
    padding = kernel // 2 if stride == 1 else 0
    return nn.Sequential(
        OrderedDict(
            conv=nn.Conv2d(channels, width, kernel, stride, padding, bias=False),
            normalization=BatchNorm2d(width),
            activation=nn.ReLU(),
        )
    )


def _patch(side: int) -> int:
    """Return the largest power of two that leaves `SMALLEST_MAP` patches along a side."""
    patch = 1
    while side // (2 * patch) >= SMALLEST_MAP:
        patch *= 2
    return patch
