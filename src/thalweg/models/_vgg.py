"""VGG: nothing but 3×3 convolutions and maxima, deeper and deeper."""

from collections.abc import Callable

from torch import nn

from thalweg.models._classifier import classifier, full_layers
from thalweg.models._options import check_image_size
from thalweg.models._registry import networks
from thalweg.nn import BatchNorm2d

WIDTHS = (64, 128, 256, 512, 512)
# Convolutions of each stage, by the number of layers that have weights: columns A, B, D and E of
# the paper's table 1.
STAGES = {11: (1, 1, 2, 2, 2), 13: (2, 2, 2, 2, 2), 16: (2, 2, 3, 3, 3), 19: (2, 2, 4, 4, 4)}
PARAMETERS = {11: "132,863,336", 13: "133,047,848", 16: "138,357,544", 19: "143,667,240"}
# Five maxima halve the map.
LEAST = 32


def vgg(
    depth: int,
    *,
    outputs: int,
    channels: int,
    batch_norm: bool = False,
    dropout: float = 0.5,
) -> nn.Module:
    """Return a VGG (Simonyan and Zisserman, 2014).

    Five stages of 3×3 convolutions, each with ReLU, of 64, 128, 256, 512 and 512 filters; after
    each a maximum over 2×2; then two full layers of 4,096 units and the output. Of any size the
    last maps are averaged to 7×7, which at 224 pixels changes nothing. Names and shapes are those
    of torchvision, so that its public weights load.

    Args:
        depth: Layers that have weights: 11, 13, 16 or 19.
        outputs: Numbers given per image.
        channels: Of an image: 1 grey, 3 colour.
        batch_norm: Whether batch normalization follows each convolution.
        dropout: Probability with which a unit of the first two full layers is silenced.

    Raises:
        SettingError: `dropout` is out of range.

    Example:
        >>> import torch
        >>> with torch.device("meta"):
        ...     network = vgg(16, outputs=1000, channels=3)
        >>> sum(each.numel() for each in network.parameters())
        138357544
    """
    layers: list[nn.Module] = []
    for width, convolutions in zip(WIDTHS, STAGES[depth], strict=True):
        for _ in range(convolutions):
            layers.append(nn.Conv2d(channels, width, 3, padding=1))
            if batch_norm:
                layers.append(BatchNorm2d(width))
            layers.append(nn.ReLU(inplace=True))
            channels = width
        layers.append(nn.MaxPool2d(2))
    full = full_layers(WIDTHS[-1] * 7 * 7, outputs, dropout)
    return classifier(nn.Sequential(*layers), 7, full)


def _factory(name: str, depth: int, batch_norm: bool) -> Callable[..., nn.Module]:
    def factory(
        *, outputs: int, channels: int, size: tuple[int, int], dropout: float = 0.5
    ) -> nn.Module:
        check_image_size(name, size, LEAST)
        return vgg(
            depth, outputs=outputs, channels=channels, batch_norm=batch_norm, dropout=dropout
        )

    return factory


for _depth, _parameters in PARAMETERS.items():
    _name = f"vgg{_depth}"
    _summary = f"VGG of {_depth} layers, {_parameters} parameters; public weights"
    networks.register(_name, summary=_summary)(_factory(_name, _depth, batch_norm=False))
    _summary = f"VGG of {_depth} layers with batch normalization; public weights"
    networks.register(f"{_name}_bn", summary=_summary)(
        _factory(f"{_name}_bn", _depth, batch_norm=True)
    )
