"""Convolution, batch normalization, ReLU: the step that most networks since 2015 repeat."""

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from thalweg.nn._normalization import BatchNorm2d


class NormalizedConvolution(nn.Module):
    """A convolution without bias, batch normalization and ReLU.

    The normalization's shift takes the place of the bias (Ioffe and Szegedy, 2015).

    Args:
        in_channels: Channels read.
        out_channels: Filters, and so channels given.
        kernel_size: Height and width of a filter in pixels, or one number for both.
        stride: Pixels from one output to the next.
        padding: Zeros around the map, likewise by height and width.

    Example:
        >>> import torch
        >>> NormalizedConvolution(3, 8, (1, 7), padding=(0, 3))(torch.zeros(2, 3, 9, 9)).shape
        torch.Size([2, 8, 9, 9])
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | tuple[int, int],
        *,
        stride: int = 1,
        padding: int | tuple[int, int] = 0,
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out_channels, kernel_size, stride, padding, bias=False)
        # The networks of Szegedy et al. were trained with this ε.
        self.bn = BatchNorm2d(out_channels, eps=1e-3)

    def forward(
        self, maps: Float[Tensor, "batch channels height width"]
    ) -> Float[Tensor, "batch outchannels newheight newwidth"]:
        return F.relu(self.bn(self.conv(maps)), inplace=True)
