"""Convolutions split into one over places and one over channels.

A convolution of n filters of k×k on m channels costs k²·m·n multiply-accumulates a pixel; split, it
costs k²·m + m·n: about k² times less where there are many filters.
"""

from collections import OrderedDict

from jaxtyping import Float
from torch import Tensor, nn

from thalweg.nn._normalization import BatchNorm2d


def depthwise_separable(in_channels: int, out_channels: int, stride: int = 1) -> nn.Sequential:
    """Return a 3×3 filter for each channel, then a 1×1 convolution across them.

    After both come batch normalization and ReLU (Howard et al., 2017, figure 3).

    Args:
        in_channels: Channels read.
        out_channels: Channels given.
        stride: Of the filters.

    Example:
        >>> import torch
        >>> block = depthwise_separable(8, 16, stride=2)
        >>> block(torch.zeros(1, 8, 6, 6)).shape, block.depthwise.weight.numel()
        (torch.Size([1, 16, 3, 3]), 72)
    """
    return nn.Sequential(
        OrderedDict(
            depthwise=nn.Conv2d(
                in_channels, in_channels, 3, stride, padding=1, groups=in_channels, bias=False
            ),
            bn1=BatchNorm2d(in_channels),
            relu1=nn.ReLU(inplace=True),
            pointwise=nn.Conv2d(in_channels, out_channels, 1, bias=False),
            bn2=BatchNorm2d(out_channels),
            relu2=nn.ReLU(inplace=True),
        )
    )


class InvertedResidual(nn.Module):
    """Widen by 1×1, filter each channel by 3×3, narrow by 1×1 (Sandler et al., 2018).

    The shortcut joins the narrow ends, where the map keeps its shape. After the last convolution
    there is no ReLU: on few channels it would lose too much.

    Args:
        in_channels: Channels read.
        out_channels: Channels given.
        stride: Of the 3×3 filters.
        expansion: How many times wider the middle is; 1 leaves the first convolution out.

    Example:
        >>> import torch
        >>> InvertedResidual(8, 8, expansion=6)(torch.zeros(1, 8, 5, 5)).shape
        torch.Size([1, 8, 5, 5])
    """

    def __init__(
        self, in_channels: int, out_channels: int, stride: int = 1, *, expansion: int
    ) -> None:
        super().__init__()
        middle = expansion * in_channels
        widen = [bounded_convolution(in_channels, middle, 1)] if expansion != 1 else []
        self.conv = nn.Sequential(
            *widen,
            bounded_convolution(middle, middle, 3, stride=stride, groups=middle),
            nn.Conv2d(middle, out_channels, 1, bias=False),
            BatchNorm2d(out_channels),
        )
        self.has_shortcut = stride == 1 and in_channels == out_channels

    def forward(
        self, maps: Float[Tensor, "batch channels height width"]
    ) -> Float[Tensor, "batch outchannels newheight newwidth"]:
        changed = self.conv(maps)
        return maps + changed if self.has_shortcut else changed


def bounded_convolution(
    in_channels: int, out_channels: int, kernel_size: int, *, stride: int = 1, groups: int = 1
) -> nn.Sequential:
    """Return convolution, batch normalization and ReLU6, min(max(0, z), 6)."""
    padding = kernel_size // 2
    return nn.Sequential(
        nn.Conv2d(
            in_channels, out_channels, kernel_size, stride, padding, groups=groups, bias=False
        ),
        BatchNorm2d(out_channels),
        nn.ReLU6(inplace=True),
    )
