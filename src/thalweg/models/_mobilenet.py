"""MobileNets: convolutions split into one over places and one over channels, for small devices."""

from collections import OrderedDict

from torch import nn

from thalweg._core import formats
from thalweg.errors import SettingError
from thalweg.models._classifier import classifier, initialize_rectified
from thalweg.models._options import check_image_size, probability
from thalweg.models._registry import networks
from thalweg.nn import BatchNorm2d, InvertedResidual, bounded_convolution, depthwise_separable

# Table 1 of the paper: channels and stride of each separable convolution.
SEPARABLE = (
    (64, 1),
    (128, 2),
    (128, 1),
    (256, 2),
    (256, 1),
    (512, 2),
    *((512, 1),) * 5,
    (1024, 2),
    (1024, 1),
)
# Table 2 of the second paper: expansion, channels, blocks, stride of the first.
INVERTED = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)
LAST = 1280
# Counts of channels that processors like.
MULTIPLE = 8


@networks.register("mobilenet", summary="MobileNet of separable convolutions, 4,231,976")
def mobilenet(
    *, outputs: int, channels: int, size: tuple[int, int], width: float = 1.0, dropout: float = 0.0
) -> nn.Module:
    """Return MobileNet (Howard et al., 2017): a convolution, then thirteen separable ones.

    | `width` | parameters, millions | MACs on 224×224, millions |
    |---|---|---|
    | 1 | 4.2 | 569 |
    | 0.75 | 2.6 | 325 |
    | 0.5 | 1.3 | 149 |
    | 0.25 | 0.5 | 41 |

    Args:
        outputs: Numbers given per image.
        channels: Of an image: 1 grey, 3 colour.
        size: Height and width in pixels.
        width: By how much the channels of every layer are multiplied.
        dropout: Probability with which one of the averages is silenced.

    Raises:
        SettingError: An option is out of range.
        ShapeError: The images have no pixels.

    Example:
        >>> network = mobilenet(outputs=1000, channels=3, size=(224, 224))
        >>> sum(each.numel() for each in network.parameters())
        4231976
    """
    check_image_size("mobilenet", size)
    share = _share(width)
    first = max(1, int(32 * share))
    layers: OrderedDict[str, nn.Module] = OrderedDict(
        conv=nn.Conv2d(channels, first, 3, stride=2, padding=1, bias=False),
        bn=BatchNorm2d(first),
        relu=nn.ReLU(inplace=True),
    )
    channels = first
    for number, (wide, stride) in enumerate(SEPARABLE, start=1):
        given = max(1, int(wide * share))
        layers[f"separable{number}"] = depthwise_separable(channels, given, stride)
        channels = given
    layers["average"] = nn.AdaptiveAvgPool2d(1)
    layers["flatten"] = nn.Flatten()
    layers["dropout"] = nn.Dropout(probability("dropout", dropout))
    layers["output"] = nn.Linear(channels, outputs)
    network = nn.Sequential(layers)
    initialize_rectified(network, layers["output"])
    return network


@networks.register("mobilenet_v2", summary="MobileNet v2, 3,504,872 parameters; public weights")
def mobilenet_v2(
    *, outputs: int, channels: int, size: tuple[int, int], width: float = 1.0, dropout: float = 0.2
) -> nn.Module:
    """Return MobileNet v2 (Sandler et al., 2018): seventeen inverted residual blocks.

    Of a thousand classes it has 3,504,872 parameters. Names and shapes are those of torchvision,
    so that its public weights load.

    Args:
        outputs: Numbers given per image.
        channels: Of an image: 1 grey, 3 colour.
        size: Height and width in pixels.
        width: By how much the channels of every layer are multiplied; the products are rounded to
            multiples of eight, and the last layer does not get narrower.
        dropout: Probability with which one of the 1,280 averages is silenced.

    Raises:
        SettingError: An option is out of range.
        ShapeError: The images have no pixels.

    Example:
        >>> network = mobilenet_v2(outputs=1000, channels=3, size=(224, 224))
        >>> sum(each.numel() for each in network.parameters())
        3504872
    """
    check_image_size("mobilenet_v2", size)
    share = _share(width)
    given = _rounded(32 * share)
    blocks: list[nn.Module] = [bounded_convolution(channels, given, 3, stride=2)]
    channels = given
    for expansion, wide, repeats, stride in INVERTED:
        given = _rounded(wide * share)
        for number in range(repeats):
            step = stride if number == 0 else 1
            blocks.append(InvertedResidual(channels, given, step, expansion=expansion))
            channels = given
    last = _rounded(LAST * max(1.0, share))
    blocks.append(bounded_convolution(channels, last, 1))
    full = nn.Sequential(nn.Dropout(probability("dropout", dropout)), nn.Linear(last, outputs))
    return classifier(nn.Sequential(*blocks), 1, full)


def _share(width: float) -> float:
    is_number = isinstance(width, (int, float)) and not isinstance(width, bool)
    if not is_number or not 0.01 <= width <= 10:
        got = formats.plain(repr(width))
        raise SettingError(f"width must be a number from 0.01 to 10, such as 0.5; got {got}.")
    return float(width)


def _rounded(channels: float) -> int:
    """Return the nearest multiple of eight, not more than a tenth below."""
    nearest = max(MULTIPLE, int(channels + MULTIPLE / 2) // MULTIPLE * MULTIPLE)
    return nearest + MULTIPLE if nearest < 0.9 * channels else nearest
