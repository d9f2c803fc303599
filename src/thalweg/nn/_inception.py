"""Inception modules: filters of several sizes side by side, their maps put behind one another.

The first form is that of GoogLeNet (Szegedy et al., 2014). The others take large filters apart
(Szegedy et al., 2015): 5×5 into two 3×3 (A), n×n into 1×n and n×1 one after the other (B), and 3×3
into 1×3 and 3×1 side by side (C). In all, 1×1 convolutions narrow the map before costly filters.
"""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor, nn

from thalweg.nn._normalized_convolution import NormalizedConvolution

Step = Callable[..., nn.Module]
"""Makes a convolution and what follows it: (in_channels, out_channels, kernel_size, *, padding)."""

Maps = Float[Tensor, "batch channels height width"]
Joined = Float[Tensor, "batch outchannels newheight newwidth"]


class Inception(nn.Module):
    """1×1, 3×3 and 5×5 filters and a maximum side by side (Szegedy et al., 2014, figure 2b).

    Args:
        in_channels: Channels read.
        widths: Filters of each convolution, by the columns of the paper's table 1: 1×1;
            3×3 reduce, 3×3; 5×5 reduce, 5×5; pool projection.
        step: Makes a convolution with what follows it.
        large: Height and width of the largest filters: 5 in the paper, 3 in the public weights.

    Example:
        >>> Inception(192, (64, 96, 128, 16, 32, 32))(torch.zeros(1, 192, 7, 7)).shape
        torch.Size([1, 256, 7, 7])
    """

    def __init__(
        self,
        in_channels: int,
        widths: tuple[int, int, int, int, int, int],
        *,
        step: Step = NormalizedConvolution,
        large: int = 5,
    ) -> None:
        super().__init__()
        plain, narrow3, wide3, narrow5, wide5, pooled = widths
        self.branch1 = step(in_channels, plain, 1)
        self.branch2 = nn.Sequential(
            step(in_channels, narrow3, 1), step(narrow3, wide3, 3, padding=1)
        )
        self.branch3 = nn.Sequential(
            step(in_channels, narrow5, 1), step(narrow5, wide5, large, padding=large // 2)
        )
        self.branch4 = nn.Sequential(nn.MaxPool2d(3, 1, padding=1), step(in_channels, pooled, 1))

    def forward(self, maps: Maps) -> Joined:
        branches = (self.branch1, self.branch2, self.branch3, self.branch4)
        return torch.cat([branch(maps) for branch in branches], dim=1)


class InceptionA(nn.Module):
    """5×5 filters, and two layers of 3×3 in place of a second 5×5 (Szegedy et al., 2015, fig. 5).

    Args:
        in_channels: Channels read; 224 + `pooled` are given.
        pooled: Filters after the average.

    Example:
        >>> InceptionA(192, 32)(torch.zeros(1, 192, 5, 5)).shape
        torch.Size([1, 256, 5, 5])
    """

    def __init__(self, in_channels: int, pooled: int) -> None:
        super().__init__()
        self.branch1x1 = NormalizedConvolution(in_channels, 64, 1)
        self.branch5x5_1 = NormalizedConvolution(in_channels, 48, 1)
        self.branch5x5_2 = NormalizedConvolution(48, 64, 5, padding=2)
        self.branch3x3dbl_1 = NormalizedConvolution(in_channels, 64, 1)
        self.branch3x3dbl_2 = NormalizedConvolution(64, 96, 3, padding=1)
        self.branch3x3dbl_3 = NormalizedConvolution(96, 96, 3, padding=1)
        self.average = nn.AvgPool2d(3, 1, padding=1)
        self.branch_pool = NormalizedConvolution(in_channels, pooled, 1)

    def forward(self, maps: Maps) -> Joined:
        five = self.branch5x5_2(self.branch5x5_1(maps))
        threes = self.branch3x3dbl_3(self.branch3x3dbl_2(self.branch3x3dbl_1(maps)))
        pooled = self.branch_pool(self.average(maps))
        return torch.cat([self.branch1x1(maps), five, threes, pooled], dim=1)


class ReductionA(nn.Module):
    """Halves the map: 3×3, double 3×3 and a maximum, all at stride 2 (figure 10).

    Args:
        in_channels: Channels read; 480 more are given.

    Example:
        >>> ReductionA(288)(torch.zeros(1, 288, 9, 9)).shape
        torch.Size([1, 768, 4, 4])
    """

    def __init__(self, in_channels: int) -> None:
        super().__init__()
        self.branch3x3 = NormalizedConvolution(in_channels, 384, 3, stride=2)
        self.branch3x3dbl_1 = NormalizedConvolution(in_channels, 64, 1)
        self.branch3x3dbl_2 = NormalizedConvolution(64, 96, 3, padding=1)
        self.branch3x3dbl_3 = NormalizedConvolution(96, 96, 3, stride=2)
        self.maximum = nn.MaxPool2d(3, 2)

    def forward(self, maps: Maps) -> Joined:
        threes = self.branch3x3dbl_3(self.branch3x3dbl_2(self.branch3x3dbl_1(maps)))
        return torch.cat([self.branch3x3(maps), threes, self.maximum(maps)], dim=1)


class InceptionB(nn.Module):
    """7×7 filters as 1×7 and 7×1, once and twice over (figure 6 with n = 7).

    Args:
        in_channels: Channels read; 768 are given.
        width: Filters of the layers between.

    Example:
        >>> InceptionB(768, 128)(torch.zeros(1, 768, 4, 4)).shape
        torch.Size([1, 768, 4, 4])
    """

    def __init__(self, in_channels: int, width: int) -> None:
        super().__init__()
        self.branch1x1 = NormalizedConvolution(in_channels, 192, 1)
        self.branch7x7_1 = NormalizedConvolution(in_channels, width, 1)
        self.branch7x7_2 = _across(width, width, 7)
        self.branch7x7_3 = _down(width, 192, 7)
        self.branch7x7dbl_1 = NormalizedConvolution(in_channels, width, 1)
        self.branch7x7dbl_2 = _down(width, width, 7)
        self.branch7x7dbl_3 = _across(width, width, 7)
        self.branch7x7dbl_4 = _down(width, width, 7)
        self.branch7x7dbl_5 = _across(width, 192, 7)
        self.average = nn.AvgPool2d(3, 1, padding=1)
        self.branch_pool = NormalizedConvolution(in_channels, 192, 1)

    def forward(self, maps: Maps) -> Joined:
        seven = self.branch7x7_3(self.branch7x7_2(self.branch7x7_1(maps)))
        once = self.branch7x7dbl_3(self.branch7x7dbl_2(self.branch7x7dbl_1(maps)))
        twice = self.branch7x7dbl_5(self.branch7x7dbl_4(once))
        pooled = self.branch_pool(self.average(maps))
        return torch.cat([self.branch1x1(maps), seven, twice, pooled], dim=1)


class ReductionB(nn.Module):
    """Halves the map: 3×3, factored 7×7 before 3×3, and a maximum, all at stride 2.

    Args:
        in_channels: Channels read; 512 more are given.

    Example:
        >>> ReductionB(768)(torch.zeros(1, 768, 5, 5)).shape
        torch.Size([1, 1280, 2, 2])
    """

    def __init__(self, in_channels: int) -> None:
        super().__init__()
        self.branch3x3_1 = NormalizedConvolution(in_channels, 192, 1)
        self.branch3x3_2 = NormalizedConvolution(192, 320, 3, stride=2)
        self.branch7x7x3_1 = NormalizedConvolution(in_channels, 192, 1)
        self.branch7x7x3_2 = _across(192, 192, 7)
        self.branch7x7x3_3 = _down(192, 192, 7)
        self.branch7x7x3_4 = NormalizedConvolution(192, 192, 3, stride=2)
        self.maximum = nn.MaxPool2d(3, 2)

    def forward(self, maps: Maps) -> Joined:
        three = self.branch3x3_2(self.branch3x3_1(maps))
        seven = self.branch7x7x3_3(self.branch7x7x3_2(self.branch7x7x3_1(maps)))
        return torch.cat([three, self.branch7x7x3_4(seven), self.maximum(maps)], dim=1)


class InceptionC(nn.Module):
    """3×3 filters as 1×3 and 3×1 side by side, on the coarsest maps (figure 7).

    Args:
        in_channels: Channels read; 2,048 are given.

    Example:
        >>> InceptionC(1280)(torch.zeros(1, 1280, 2, 2)).shape
        torch.Size([1, 2048, 2, 2])
    """

    def __init__(self, in_channels: int) -> None:
        super().__init__()
        self.branch1x1 = NormalizedConvolution(in_channels, 320, 1)
        self.branch3x3_1 = NormalizedConvolution(in_channels, 384, 1)
        self.branch3x3_2a = _across(384, 384, 3)
        self.branch3x3_2b = _down(384, 384, 3)
        self.branch3x3dbl_1 = NormalizedConvolution(in_channels, 448, 1)
        self.branch3x3dbl_2 = NormalizedConvolution(448, 384, 3, padding=1)
        self.branch3x3dbl_3a = _across(384, 384, 3)
        self.branch3x3dbl_3b = _down(384, 384, 3)
        self.average = nn.AvgPool2d(3, 1, padding=1)
        self.branch_pool = NormalizedConvolution(in_channels, 192, 1)

    def forward(self, maps: Maps) -> Joined:
        three = self.branch3x3_1(maps)
        five = self.branch3x3dbl_2(self.branch3x3dbl_1(maps))
        branches = [
            self.branch1x1(maps),
            self.branch3x3_2a(three),
            self.branch3x3_2b(three),
            self.branch3x3dbl_3a(five),
            self.branch3x3dbl_3b(five),
            self.branch_pool(self.average(maps)),
        ]
        return torch.cat(branches, dim=1)


def _across(in_channels: int, out_channels: int, length: int) -> nn.Module:
    """Return filters one pixel high."""
    return NormalizedConvolution(in_channels, out_channels, (1, length), padding=(0, length // 2))


def _down(in_channels: int, out_channels: int, length: int) -> nn.Module:
    """Return filters one pixel wide."""
    return NormalizedConvolution(in_channels, out_channels, (length, 1), padding=(length // 2, 0))
