"""A layer between a full one and a convolution: local windows, weights not shared."""

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn

from thalweg._core.windows import Size, Windows, pair
from thalweg.errors import ShapeError
from thalweg.nn._convolutions import im2col


class LocallyConnected2d(nn.Module):
    """A convolution whose filters differ from place to place (LeCun, 1989).

    Each unit sees a window of the image, as in a convolution, but has weights of its own, as in
    a full layer: for faces that are always in the middle, an eye is looked for where eyes are.
    It takes as many multiply-accumulates as the convolution, and one set of weights per place.

    Args:
        in_channels: Channels read.
        out_channels: Channels given.
        kernel_size: Of the window.
        image_size: Height and width of the images, which fix the number of places.
        stride: Pixels from one place to the next.
        padding: Zeros around the image, on each side.
        bias: Whether each unit has a constant of its own.

    Raises:
        ShapeError: The image is smaller than the window.

    Example:
        >>> layer = LocallyConnected2d(1, 6, 5, image_size=32)
        >>> layer(torch.zeros(2, 1, 32, 32)).shape
        torch.Size([2, 6, 28, 28])
        >>> sum(each.numel() for each in layer.parameters()) == 28 * 28 * 6 * (5 * 5 + 1)
        True
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Size,
        image_size: Size,
        stride: Size = 1,
        padding: Size = 0,
        bias: bool = True,
    ) -> None:
        super().__init__()
        self.in_channels, self.out_channels = in_channels, out_channels
        self.image_size = pair(image_size)
        self.windows = Windows(pair(kernel_size), pair(stride), pair(padding))
        self.places = self.windows.places(self.image_size)
        places = math.prod(self.places)
        entries = in_channels * math.prod(self.windows.size)
        self.weight = nn.Parameter(torch.empty(places, out_channels, entries))
        self.bias = nn.Parameter(torch.empty(places, out_channels)) if bias else None
        self.reset_parameters()

    @property
    def macs(self) -> int:
        """Multiply-accumulates for one image, read by `tw.anatomy`."""
        return self.weight.numel()

    def reset_parameters(self) -> None:
        """Draw weights and biases from U(−a, a), a = 1/√fan_in, as torch's convolutions do."""
        bound = self.weight.shape[2] ** -0.5
        for each in self.parameters():
            nn.init.uniform_(each, -bound, bound)

    def forward(
        self, inputs: Float[Tensor, "batch channels height width"]
    ) -> Float[Tensor, "batch filters newheight newwidth"]:
        if tuple(inputs.shape[1:]) != (self.in_channels, *self.image_size):
            expected = (self.in_channels, *self.image_size)
            raise ShapeError(
                f"images must have shape (batch, {', '.join(map(str, expected))}), got "
                f"{tuple(inputs.shape)}. Resize them: each place has weights of its own."
            )
        columns = im2col(
            inputs, self.windows.size, stride=self.windows.stride, padding=self.windows.padding
        )
        # One product of matrices for each place.
        found = torch.einsum("pke,nep->nkp", self.weight, columns)
        if self.bias is not None:
            found = found + self.bias.T
        return found.unflatten(2, self.places)

    def extra_repr(self) -> str:
        high, wide = self.image_size
        return (
            f"{self.in_channels}, {self.out_channels}, kernel_size={self.windows.size}, "
            f"image_size=({high}, {wide}), stride={self.windows.stride}, "
            f"padding={self.windows.padding}, bias={self.bias is not None}"
        )
