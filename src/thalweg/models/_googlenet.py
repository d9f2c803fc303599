"""GoogLeNet: nine inception modules in a row, two of them with a head of their own."""

import math
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from thalweg.models._alexnet import response_normalization
from thalweg.models._classifier import initialize_rectified
from thalweg.models._options import check_image_size, probability
from thalweg.models._registry import networks
from thalweg.models._standardization import check_transform, from_imagenet_to_half
from thalweg.nn import Auxiliary, Inception, NormalizedConvolution

# Table 1 of the paper: 1×1; 3×3 reduce, 3×3; 5×5 reduce, 5×5; pool projection.
WIDTHS = {
    "inception3a": (64, 96, 128, 16, 32, 32),
    "inception3b": (128, 128, 192, 32, 96, 64),
    "inception4a": (192, 96, 208, 16, 48, 64),
    "inception4b": (160, 112, 224, 24, 64, 64),
    "inception4c": (128, 128, 256, 24, 64, 64),
    "inception4d": (112, 144, 288, 32, 64, 64),
    "inception4e": (256, 160, 320, 32, 128, 128),
    "inception5a": (256, 160, 320, 32, 128, 128),
    "inception5b": (384, 192, 384, 48, 128, 128),
}
# The maps after these two are read by the auxiliary heads.
HEADS = {"inception4a": "aux1", "inception4d": "aux2"}
# The paper's last maximum, over 3×3, needs two pixels, the other one.
LEAST = 31
LEAST_3X3 = 15


@dataclass(frozen=True)
class Form:
    """In what the paper's network and the public one differ."""

    step: Callable[..., nn.Module]
    """Makes a convolution with what follows it."""
    large: int
    """Height and width of the largest filters in a module."""
    last_pool: int
    """Height and width of the last maximum."""
    head_pool: nn.Module
    """Brings maps to 4×4 for an auxiliary head."""


class Head(nn.Module):
    """An auxiliary classifier: average to 4×4, 128 filters of 1×1, 1,024 units, the output.

    Args:
        in_channels: Channels of the maps that it reads.
        outputs: Numbers given per image.
        form: Of the network that it belongs to.
    """

    def __init__(self, in_channels: int, outputs: int, form: Form) -> None:
        super().__init__()
        self.pool = form.head_pool
        self.conv = form.step(in_channels, 128, 1)
        self.fc1 = nn.Linear(128 * 4 * 4, 1024)
        self.dropout = nn.Dropout(0.7)
        self.fc2 = nn.Linear(1024, outputs)

    def forward(
        self, maps: Float[Tensor, "batch channels height width"]
    ) -> Float[Tensor, "batch outputs"]:
        units = F.relu(self.fc1(self.conv(self.pool(maps)).flatten(1)))
        return self.fc2(self.dropout(units))


class GoogLeNet(nn.Module):
    """A stem, nine inception modules, a global average and one full layer.

    Args:
        stem: From the image to 192 maps of an eighth of its height and width.
        outputs: Numbers given per image.
        form: The paper's, or that of the public weights.
        dropout: Probability with which one of the 1,024 averages is silenced.
        auxiliary: Whether there are two heads that take part in training.
        transform_input: Whether images are brought to mean and deviation one half.
    """

    def __init__(
        self,
        stem: OrderedDict[str, nn.Module],
        outputs: int,
        form: Form,
        *,
        dropout: float,
        auxiliary: bool,
        transform_input: bool = False,
    ) -> None:
        super().__init__()
        self.transform_input = transform_input
        trunk, in_channels = stem, 192
        answering: dict[str, nn.Module] = {}
        for name, widths in WIDTHS.items():
            trunk[name] = Inception(in_channels, widths, step=form.step, large=form.large)
            in_channels = widths[0] + widths[2] + widths[4] + widths[5]
            if name == "inception3b":
                trunk["maxpool3"] = nn.MaxPool2d(3, 2, ceil_mode=True)
            elif name == "inception4e":
                trunk["maxpool4"] = nn.MaxPool2d(form.last_pool, 2, ceil_mode=True)
            elif name in HEADS and auxiliary:
                answering[HEADS[name]] = Head(in_channels, outputs, form)
        for name, module in (trunk | answering).items():
            self.add_module(name, module)
        self.trunk = tuple(trunk)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.dropout = nn.Dropout(probability("dropout", dropout))
        self.fc = nn.Linear(in_channels, outputs)
        heads = [each.fc2 for each in self.modules() if isinstance(each, Head)]
        initialize_rectified(self, self.fc, *heads)

    def forward(
        self, images: Float[Tensor, "batch channels height width"]
    ) -> Float[Tensor, "batch outputs"] | Auxiliary:
        maps = from_imagenet_to_half(images) if self.transform_input else images
        answers: list[Tensor] = []
        for name in self.trunk:
            maps = self.get_submodule(name)(maps)
            head = getattr(self, HEADS.get(name, ""), None)
            if self.training and head is not None:
                answers.append(head(maps))
        main = self.fc(self.dropout(self.avgpool(maps).flatten(1)))
        return Auxiliary(main, tuple(answers)) if answers else main


@networks.register("googlenet", summary="GoogLeNet of the paper, 6,998,552 parameters and heads")
def googlenet(
    *,
    outputs: int,
    channels: int,
    size: tuple[int, int],
    dropout: float = 0.4,
    auxiliary: bool = True,
) -> nn.Module:
    """Return GoogLeNet as the paper has it (Szegedy et al., 2014).

    Convolutions with biases and ReLU, 5×5 filters in the modules, local response normalization
    in the stem. Of a thousand classes it has 6,998,552 parameters, and 6,379,728 more in the two
    heads, which take part in training alone. Single rows of the paper's table of parameters
    differ from its own widths; their sum is that of the widths.

    Args:
        outputs: Numbers given per image.
        channels: Of an image: 1 grey, 3 colour.
        size: Height and width in pixels, at least 31; 224 in the paper.
        dropout: Probability with which one of the 1,024 averages is silenced.
        auxiliary: Whether it is trained with the two heads, each weighing 0.3.

    Raises:
        SettingError: `dropout` is out of range.
        ShapeError: The images are too small.

    Example:
        >>> import torch
        >>> with torch.device("meta"):
        ...     network = googlenet(outputs=10, channels=3, size=(224, 224), auxiliary=False)
        >>> network(torch.zeros(2, 3, 224, 224, device="meta")).shape
        torch.Size([2, 10])
    """
    check_image_size("googlenet", size, LEAST)
    stem: OrderedDict[str, nn.Module] = OrderedDict(
        conv1=_plain(channels, 64, 7, stride=2, padding=3),
        maxpool1=nn.MaxPool2d(3, 2, ceil_mode=True),
        norm1=response_normalization(),
        conv2=_plain(64, 64, 1),
        conv3=_plain(64, 192, 3, padding=1),
        norm2=response_normalization(),
        maxpool2=nn.MaxPool2d(3, 2, ceil_mode=True),
    )
    # On the paper's maps of 14×14, five by five at stride three leave 4×4.
    has_papers_maps = all(math.ceil(side / 16) == 14 for side in size)
    pool = nn.AvgPool2d(5, 3) if has_papers_maps else nn.AdaptiveAvgPool2d(4)
    form = Form(_plain, large=5, last_pool=3, head_pool=pool)
    return GoogLeNet(stem, outputs, form, dropout=dropout, auxiliary=auxiliary)


@networks.register("googlenet_3x3", summary="GoogLeNet normalized, 3×3 for 5×5; public weights")
def googlenet_3x3(
    *,
    outputs: int,
    channels: int,
    size: tuple[int, int],
    dropout: float = 0.2,
    auxiliary: bool = True,
    transform_input: bool = False,
) -> nn.Module:
    """Return the GoogLeNet that torchvision has: batch normalization, and 3×3 in place of 5×5.

    Of a thousand classes it has 6,624,904 parameters, and 6,379,984 more in the heads. Names and
    shapes are those of torchvision's `googlenet`, so that its public weights load.

    Args:
        outputs: Numbers given per image.
        channels: Of an image: 1 grey, 3 colour.
        size: Height and width in pixels, at least 15.
        dropout: Probability with which one of the 1,024 averages is silenced.
        auxiliary: Whether it is trained with the two heads, each weighing 0.3.
        transform_input: Whether images standardized by ImageNet's moments are brought to mean and
            standard deviation 0.5, with which the public weights were trained.

    Raises:
        SettingError: `dropout` is out of range, or images to be transformed have no colours.
        ShapeError: The images are too small.

    Example:
        >>> import torch
        >>> with torch.device("meta"):
        ...     network = googlenet_3x3(outputs=1000, channels=3, size=(224, 224))
        >>> sum(each.numel() for each in network.parameters())
        13004888
    """
    check_image_size("googlenet_3x3", size, LEAST_3X3)
    check_transform(transform_input, channels)
    stem: OrderedDict[str, nn.Module] = OrderedDict(
        conv1=NormalizedConvolution(channels, 64, 7, stride=2, padding=3),
        maxpool1=nn.MaxPool2d(3, 2, ceil_mode=True),
        conv2=NormalizedConvolution(64, 64, 1),
        conv3=NormalizedConvolution(64, 192, 3, padding=1),
        maxpool2=nn.MaxPool2d(3, 2, ceil_mode=True),
    )
    form = Form(NormalizedConvolution, large=3, last_pool=2, head_pool=nn.AdaptiveAvgPool2d(4))
    return GoogLeNet(
        stem,
        outputs,
        form,
        dropout=dropout,
        auxiliary=auxiliary,
        transform_input=transform_input,
    )


def _plain(in_channels: int, out_channels: int, kernel_size: int, **options: int) -> nn.Module:
    """Return a convolution with a bias, and ReLU."""
    conv = nn.Conv2d(in_channels, out_channels, kernel_size, **options)  # pyright: ignore[reportArgumentType]
    return nn.Sequential(OrderedDict(conv=conv, relu=nn.ReLU(inplace=True)))
