"""ZFNet: AlexNet with smaller first filters, found by looking at what its own had learned."""

from collections import OrderedDict

from torch import nn

from thalweg.models._alexnet import response_normalization
from thalweg.models._classifier import classifier, full_layers
from thalweg.models._options import check_image_size
from thalweg.models._registry import networks

LEAST = 63


@networks.register("zfnet", summary="ZFNet, AlexNet with smaller first filters, 107,627,624")
def zfnet(*, outputs: int, channels: int, size: tuple[int, int], dropout: float = 0.5) -> nn.Module:
    """Return the wide ZFNet (Zeiler and Fergus, 2013).

    | layer | on 224×224×3 | parameters |
    |---|---|---|
    | conv1, 96 of 7×7, stride 2 | 110×110×96 | 14,208 |
    | maximum 3×3, stride 2, normalization | 55×55×96 | 0 |
    | conv2, 256 of 5×5, stride 2 | 26×26×256 | 614,656 |
    | maximum 3×3, stride 2, normalization | 13×13×256 | 0 |
    | conv3, 512 of 3×3 | 13×13×512 | 1,180,160 |
    | conv4, 1,024 of 3×3 | 13×13×1024 | 4,719,616 |
    | conv5, 512 of 3×3 | 13×13×512 | 4,719,104 |
    | maximum 3×3, stride 2 | 6×6×512 | 0 |
    | full, 4,096 | 4,096 | 75,501,568 |
    | full, 4,096 | 4,096 | 16,781,312 |
    | full | outputs | 4,097·outputs |

    In all 107,627,624 parameters for a thousand classes. The first two maxima count a window that
    hangs over the edge, which rounds their sizes up. Of any size the last maps are averaged to
    6×6, which at 224 pixels changes nothing.

    Args:
        outputs: Numbers given per image.
        channels: Of an image: 1 grey, 3 colour.
        size: Height and width in pixels, at least 63.
        dropout: Probability with which a unit of the first two full layers is silenced.

    Raises:
        SettingError: An option is out of range.
        ShapeError: The images are too small.

    Example:
        >>> import torch
        >>> with torch.device("meta"):
        ...     network = zfnet(outputs=1000, channels=3, size=(224, 224))
        >>> sum(each.numel() for each in network.parameters())
        107627624
    """
    check_image_size("zfnet", size, LEAST)
    features = nn.Sequential(
        OrderedDict(
            conv1=nn.Conv2d(channels, 96, 7, stride=2, padding=1),
            relu1=nn.ReLU(inplace=True),
            pool1=nn.MaxPool2d(3, 2, ceil_mode=True),
            norm1=response_normalization(),
            conv2=nn.Conv2d(96, 256, 5, stride=2),
            relu2=nn.ReLU(inplace=True),
            pool2=nn.MaxPool2d(3, 2, ceil_mode=True),
            norm2=response_normalization(),
            conv3=nn.Conv2d(256, 512, 3, padding=1),
            relu3=nn.ReLU(inplace=True),
            conv4=nn.Conv2d(512, 1024, 3, padding=1),
            relu4=nn.ReLU(inplace=True),
            conv5=nn.Conv2d(1024, 512, 3, padding=1),
            relu5=nn.ReLU(inplace=True),
            pool5=nn.MaxPool2d(3, 2),
        )
    )
    return classifier(features, 6, full_layers(512 * 6 * 6, outputs, dropout))
