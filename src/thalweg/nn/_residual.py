"""Residual blocks: what a stack of layers adds to its input.

A block gives relu(x + f(x)) (He et al., 2015). Where f is nothing, the block is the identity, so
that depth cannot harm by itself; and the sum hands its gradient back to x undiminished.
"""

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from thalweg.nn._initialization import initialize
from thalweg.nn._normalization import BatchNorm1d, BatchNorm2d


class ZeroPadding(nn.Module):
    """The shortcut without parameters: every `stride`-th pixel, and channels of zeros.

    Option A of He et al., 2015.

    Args:
        in_channels: Channels read.
        out_channels: Channels given; those that the input lacks are zero.
        stride: Pixels from one output to the next.

    Example:
        >>> import torch
        >>> ZeroPadding(2, 4, stride=2)(torch.ones(1, 2, 6, 6)).sum(dim=(2, 3))
        tensor([[9., 9., 0., 0.]])
    """

    macs = 0
    """For `tw.anatomy`: nothing is multiplied."""

    def __init__(self, in_channels: int, out_channels: int, stride: int = 1) -> None:
        super().__init__()
        self.missing = out_channels - in_channels
        self.stride = stride

    def forward(
        self, maps: Float[Tensor, "batch channels height width"]
    ) -> Float[Tensor, "batch outchannels newheight newwidth"]:
        thinned = maps[:, :, :: self.stride, :: self.stride]
        return F.pad(thinned, (0, 0, 0, 0, 0, self.missing))

    def extra_repr(self) -> str:
        return f"missing={self.missing}, stride={self.stride}"


class BasicBlock(nn.Module):
    """Two 3×3 convolutions around which a shortcut leads (He et al., 2015, figure 5, left).

    Args:
        in_channels: Channels read.
        width: Channels given.
        stride: Of the first convolution and the shortcut.
        downsample: The shortcut, where input and output differ in shape; else the identity.

    Example:
        >>> import torch
        >>> BasicBlock(8, 8)(torch.zeros(2, 8, 5, 5)).shape
        torch.Size([2, 8, 5, 5])
    """

    expansion = 1
    """Channels given for each of its width."""

    def __init__(
        self, in_channels: int, width: int, stride: int = 1, downsample: nn.Module | None = None
    ) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, width, 3, stride, padding=1, bias=False)
        self.bn1 = BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.bn2 = BatchNorm2d(width)
        self.downsample = downsample

    def forward(
        self, maps: Float[Tensor, "batch channels height width"]
    ) -> Float[Tensor, "batch outchannels newheight newwidth"]:
        shortcut = maps if self.downsample is None else self.downsample(maps)
        inner = F.relu(self.bn1(self.conv1(maps)), inplace=True)
        return F.relu_(self.bn2(self.conv2(inner)).add_(shortcut))


class Bottleneck(nn.Module):
    """1×1, 3×3 and 1×1 convolutions around which a shortcut leads (figure 5, right).

    The first narrows the map, so that the 3×3 is cheap; the last widens it four times.

    Args:
        in_channels: Channels read.
        width: Channels of the narrow part; four times as many are given.
        stride: Of the 3×3 convolution and the shortcut.
        downsample: The shortcut, where input and output differ in shape; else the identity.
        stride_first: Whether the first 1×1 takes the stride in place of the 3×3. So it is in
            the paper; the later form, which the public weights have, looks at every pixel.

    Example:
        >>> import torch
        >>> Bottleneck(32, 8)(torch.zeros(2, 32, 5, 5)).shape
        torch.Size([2, 32, 5, 5])
    """

    expansion = 4
    """Channels given for each of its width."""

    def __init__(
        self,
        in_channels: int,
        width: int,
        stride: int = 1,
        downsample: nn.Module | None = None,
        *,
        stride_first: bool = False,
    ) -> None:
        super().__init__()
        first, second = (stride, 1) if stride_first else (1, stride)
        self.conv1 = nn.Conv2d(in_channels, width, 1, first, bias=False)
        self.bn1 = BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, second, padding=1, bias=False)
        self.bn2 = BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, self.expansion * width, 1, bias=False)
        self.bn3 = BatchNorm2d(self.expansion * width)
        self.downsample = downsample

    def forward(
        self, maps: Float[Tensor, "batch channels height width"]
    ) -> Float[Tensor, "batch outchannels newheight newwidth"]:
        shortcut = maps if self.downsample is None else self.downsample(maps)
        inner = F.relu(self.bn1(self.conv1(maps)), inplace=True)
        inner = F.relu(self.bn2(self.conv2(inner)), inplace=True)
        return F.relu_(self.bn3(self.conv3(inner)).add_(shortcut))


class ResidualLinear(nn.Module):
    """The residual block of full layers: linear, ReLU, linear, and the input added.

    Each linear layer is followed by batch normalization, without which the sum would grow with
    depth.

    Args:
        features: Numbers taken and given per example.

    Example:
        >>> import torch
        >>> ResidualLinear(16)(torch.zeros(2, 16)).shape
        torch.Size([2, 16])
    """

    def __init__(self, features: int) -> None:
        super().__init__()
        self.linear1 = nn.Linear(features, features, bias=False)
        self.bn1 = BatchNorm1d(features)
        self.linear2 = nn.Linear(features, features, bias=False)
        self.bn2 = BatchNorm1d(features)
        initialize(self, "kaiming")

    def forward(self, inputs: Float[Tensor, "batch features"]) -> Float[Tensor, "batch features"]:
        inner = F.relu(self.bn1(self.linear1(inputs)))
        return F.relu(inputs + self.bn2(self.linear2(inner)))
