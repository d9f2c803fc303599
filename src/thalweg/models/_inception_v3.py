"""Inception v3: GoogLeNet's modules with their large filters taken apart."""

from collections import OrderedDict

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from thalweg.models._classifier import initialize_rectified
from thalweg.models._options import check_image_size, probability
from thalweg.models._registry import made_for, networks
from thalweg.models._standardization import check_transform, from_imagenet_to_half
from thalweg.nn import (
    Auxiliary,
    InceptionA,
    InceptionB,
    InceptionC,
    NormalizedConvolution,
    ReductionA,
    ReductionB,
)

LEAST = 75
# The auxiliary head reads the maps before the last reduction.
BEFORE_HEAD = "Mixed_6e"


class Head(nn.Module):
    """The auxiliary classifier: average to 5×5, 128 filters of 1×1, 768 of 5×5, the output.

    Args:
        in_channels: Channels of the maps that it reads.
        outputs: Numbers given per image.
    """

    def __init__(self, in_channels: int, outputs: int) -> None:
        super().__init__()
        self.conv0 = NormalizedConvolution(in_channels, 128, 1)
        self.conv1 = NormalizedConvolution(128, 768, 5)
        self.fc = nn.Linear(768, outputs)

    def forward(
        self, maps: Float[Tensor, "batch channels height width"]
    ) -> Float[Tensor, "batch outputs"]:
        # Images of less than 299 pixels leave too little for the windows of the paper.
        is_papers = min(maps.shape[2:]) >= 17
        pooled = F.avg_pool2d(maps, 5, 3) if is_papers else F.adaptive_avg_pool2d(maps, 5)
        units = self.conv1(self.conv0(pooled)).mean(dim=(2, 3))
        return self.fc(units)


class InceptionV3(nn.Module):
    """A stem, eleven inception modules, a global average and one full layer.

    Args:
        outputs: Numbers given per image.
        channels: Of an image.
        dropout: Probability with which one of the 2,048 averages is silenced.
        auxiliary: Whether there is a head that takes part in training.
        transform_input: Whether images are brought to mean and deviation one half.
    """

    def __init__(
        self,
        outputs: int,
        channels: int,
        *,
        dropout: float,
        auxiliary: bool,
        transform_input: bool,
    ) -> None:
        super().__init__()
        self.transform_input = transform_input
        trunk = OrderedDict(  # On 299×299: height and width, channels
            Conv2d_1a_3x3=NormalizedConvolution(channels, 32, 3, stride=2),  # 149, 32
            Conv2d_2a_3x3=NormalizedConvolution(32, 32, 3),  # 147, 32
            Conv2d_2b_3x3=NormalizedConvolution(32, 64, 3, padding=1),  # 147, 64
            maxpool1=nn.MaxPool2d(3, 2),  # 73, 64
            Conv2d_3b_1x1=NormalizedConvolution(64, 80, 1),  # 73, 80
            Conv2d_4a_3x3=NormalizedConvolution(80, 192, 3),  # 71, 192
            maxpool2=nn.MaxPool2d(3, 2),  # 35, 192
            Mixed_5b=InceptionA(192, 32),  # 35, 256
            Mixed_5c=InceptionA(256, 64),  # 35, 288
            Mixed_5d=InceptionA(288, 64),  # 35, 288
            Mixed_6a=ReductionA(288),  # 17, 768
            Mixed_6b=InceptionB(768, 128),  # 17, 768
            Mixed_6c=InceptionB(768, 160),  # 17, 768
            Mixed_6d=InceptionB(768, 160),  # 17, 768
            Mixed_6e=InceptionB(768, 192),  # 17, 768
            Mixed_7a=ReductionB(768),  # 8, 1280
            Mixed_7b=InceptionC(1280),  # 8, 2048
            Mixed_7c=InceptionC(2048),  # 8, 2048
        )
        self.AuxLogits: Head | None = None
        for name, module in trunk.items():
            self.add_module(name, module)
            if name == BEFORE_HEAD and auxiliary:
                self.AuxLogits = Head(768, outputs)
        self.trunk = tuple(trunk)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.dropout = nn.Dropout(probability("dropout", dropout))
        self.fc = nn.Linear(2048, outputs)
        heads = [] if self.AuxLogits is None else [self.AuxLogits.fc]
        initialize_rectified(self, self.fc, *heads)

    def forward(
        self, images: Float[Tensor, "batch channels height width"]
    ) -> Float[Tensor, "batch outputs"] | Auxiliary:
        maps = from_imagenet_to_half(images) if self.transform_input else images
        answer = None
        for name in self.trunk:
            maps = self.get_submodule(name)(maps)
            if name == BEFORE_HEAD and self.training and self.AuxLogits is not None:
                answer = self.AuxLogits(maps)
        main = self.fc(self.dropout(self.avgpool(maps)).flatten(1))
        return main if answer is None else Auxiliary(main, (answer,))


@networks.register("inception_v3", summary="Inception v3, 27,161,264 parameters; public weights")
@made_for((3, 299, 299))
def inception_v3(
    *,
    outputs: int,
    channels: int,
    size: tuple[int, int],
    dropout: float = 0.5,
    auxiliary: bool = True,
    transform_input: bool = False,
) -> nn.Module:
    """Return Inception v3 (Szegedy et al., 2015).

    Of a thousand classes it has 23,834,568 parameters, and 3,326,696 more in the head that takes
    part in training alone. Names and shapes are those of torchvision, so that its public weights
    load.

    Args:
        outputs: Numbers given per image.
        channels: Of an image: 1 grey, 3 colour.
        size: Height and width in pixels, at least 75; 299 in the paper.
        dropout: Probability with which one of the 2,048 averages is silenced.
        auxiliary: Whether it is trained with the head, which weighs 0.3.
        transform_input: Whether images standardized by ImageNet's moments are brought to mean and
            standard deviation 0.5, with which the public weights were trained.

    Raises:
        SettingError: `dropout` is out of range, or images to be transformed have no colours.
        ShapeError: The images are too small.

    Example:
        >>> import torch
        >>> with torch.device("meta"):
        ...     network = inception_v3(outputs=1000, channels=3, size=(299, 299))
        >>> sum(each.numel() for each in network.parameters())
        27161264
    """
    check_image_size("inception_v3", size, LEAST)
    check_transform(transform_input, channels)
    return InceptionV3(
        outputs,
        channels,
        dropout=dropout,
        auxiliary=auxiliary,
        transform_input=transform_input,
    )
