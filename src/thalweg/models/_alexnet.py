"""AlexNet, which won ImageNet in 2012 and began the present age; and its later, lighter form."""

from collections import OrderedDict

from torch import nn

from thalweg.models._classifier import classifier, full_layers
from thalweg.models._options import check_image_size
from thalweg.models._registry import made_for, networks
from thalweg.nn import LocalResponseNorm

PAPER_SIDE = 227
LEAST = 63


@networks.register("alexnet", summary="AlexNet of the paper in one piece, 62,378,344 parameters")
@made_for((3, 227, 227))
def alexnet(
    *, outputs: int, channels: int, size: tuple[int, int], dropout: float = 0.5
) -> nn.Module:
    """Return AlexNet (Krizhevsky et al., 2012), not cut in two for two devices.

    | layer | on 227×227×3 | parameters | MACs |
    |---|---|---|---|
    | conv1, 96 of 11×11, stride 4 | 55×55×96 | 34,944 | 105,415,200 |
    | normalization, maximum 3×3, stride 2 | 27×27×96 | 0 | 0 |
    | conv2, 256 of 5×5 | 27×27×256 | 614,656 | 447,897,600 |
    | normalization, maximum 3×3, stride 2 | 13×13×256 | 0 | 0 |
    | conv3, 384 of 3×3 | 13×13×384 | 885,120 | 149,520,384 |
    | conv4, 384 of 3×3 | 13×13×384 | 1,327,488 | 224,280,576 |
    | conv5, 256 of 3×3 | 13×13×256 | 884,992 | 149,520,384 |
    | maximum 3×3, stride 2 | 6×6×256 | 0 | 0 |
    | full, 4,096 | 4,096 | 37,752,832 | 37,748,736 |
    | full, 4,096 | 4,096 | 16,781,312 | 16,777,216 |
    | full | outputs | 4,097·outputs | 4,096·outputs |

    In all 62,378,344 parameters and 1,135,256,096 MACs for a thousand classes. Images smaller
    than 227 pixels get two zeros around them, with which 224 give the same maps. Of any size the
    last maps are averaged to 6×6, which at 224 to 258 pixels changes nothing.

    Args:
        outputs: Numbers given per image.
        channels: Of an image: 1 grey, 3 colour.
        size: Height and width in pixels, at least 63.
        dropout: Probability with which a unit before the first two full layers is silenced.

    Raises:
        SettingError: An option is out of range.
        ShapeError: The images are too small.

    Example:
        >>> import torch
        >>> with torch.device("meta"):
        ...     network = alexnet(outputs=1000, channels=3, size=(227, 227))
        >>> sum(each.numel() for each in network.parameters())
        62378344
    """
    check_image_size("alexnet", size, LEAST)
    padding = 0 if min(size) >= PAPER_SIDE else 2
    features = nn.Sequential(
        OrderedDict(
            conv1=nn.Conv2d(channels, 96, 11, stride=4, padding=padding),
            relu1=nn.ReLU(inplace=True),
            norm1=response_normalization(),
            pool1=nn.MaxPool2d(3, 2),
            conv2=nn.Conv2d(96, 256, 5, padding=2),
            relu2=nn.ReLU(inplace=True),
            norm2=response_normalization(),
            pool2=nn.MaxPool2d(3, 2),
            conv3=nn.Conv2d(256, 384, 3, padding=1),
            relu3=nn.ReLU(inplace=True),
            conv4=nn.Conv2d(384, 384, 3, padding=1),
            relu4=nn.ReLU(inplace=True),
            conv5=nn.Conv2d(384, 256, 3, padding=1),
            relu5=nn.ReLU(inplace=True),
            pool5=nn.MaxPool2d(3, 2),
        )
    )
    return _with_full_layers(features, outputs, dropout)


@networks.register("alexnet_owt", summary="AlexNet's later form, 61,100,840; public weights")
def alexnet_owt(
    *, outputs: int, channels: int, size: tuple[int, int], dropout: float = 0.5
) -> nn.Module:
    """Return the AlexNet of "one weird trick" (Krizhevsky, 2014): fewer filters, no normalization.

    Convolutions of 64, 192, 384, 256 and 256 filters; of a thousand classes 61,100,840
    parameters. Names and shapes are those of torchvision's `alexnet`, so that its public weights
    load.

    Args:
        outputs: Numbers given per image.
        channels: Of an image: 1 grey, 3 colour.
        size: Height and width in pixels, at least 63.
        dropout: Probability with which a unit before the first two full layers is silenced.

    Raises:
        SettingError: An option is out of range.
        ShapeError: The images are too small.

    Example:
        >>> import torch
        >>> with torch.device("meta"):
        ...     network = alexnet_owt(outputs=1000, channels=3, size=(224, 224))
        >>> sum(each.numel() for each in network.parameters())
        61100840
    """
    check_image_size("alexnet_owt", size, LEAST)
    features = nn.Sequential(
        nn.Conv2d(channels, 64, 11, stride=4, padding=2),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(3, 2),
        nn.Conv2d(64, 192, 5, padding=2),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(3, 2),
        nn.Conv2d(192, 384, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.Conv2d(384, 256, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.Conv2d(256, 256, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(3, 2),
    )
    return _with_full_layers(features, outputs, dropout)


def response_normalization() -> nn.Module:
    """Return AlexNet's normalization over five neighbouring channels, a/(2 + 10⁻⁴·Σa²)^¾."""
    # torch divides α by the number of channels, the paper does not.
    return LocalResponseNorm(5, alpha=5e-4, beta=0.75, k=2.0)


def _with_full_layers(features: nn.Module, outputs: int, dropout: float) -> nn.Module:
    full = full_layers(256 * 6 * 6, outputs, dropout)
    # Here dropout stands before the first two full layers, in VGG after them.
    ahead = nn.Sequential(full[2], full[0], full[1], full[5], full[3], full[4], full[6])
    return classifier(features, 6, ahead)
