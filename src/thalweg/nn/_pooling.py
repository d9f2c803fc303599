"""Pooling written out: what a window sees becomes one number, its largest or its mean.

torch's layers are faster; these show what they compute, and where the gradient goes: to the
largest pixel alone, or to all pixels of a window evenly.
"""

import math

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from thalweg._core.windows import Size, Windows, pair
from thalweg.errors import SettingError

Images = Float[Tensor, "batch channels height width"]
Pooled = Float[Tensor, "batch channels newheight newwidth"]


def max_pool(
    images: Images, size: Size, *, stride: Size | None = None, padding: Size = 0
) -> Pooled:
    """Return the largest pixel of each window; the gradient goes to that pixel alone.

    Of several largest ones it goes to the first. Windows overlap where the stride is smaller
    than they are, as in AlexNet.

    Args:
        images: Any.
        size: Of the window.
        stride: Pixels from one place to the next; by default the window's size.
        padding: Pixels around the image that are never the largest.

    Raises:
        ShapeError: The image is smaller than the window.
        SettingError: A window could lie in the padding alone.

    Example:
        >>> image = torch.tensor([[1.0, 5.0], [2.0, 3.0]], requires_grad=True)
        >>> max_pool(image[None, None], 2).sum().backward()
        >>> image.grad
        tensor([[0., 1.],
                [0., 0.]])
    """
    return _seen(images, size, stride, padding, -math.inf).max(dim=2).values


def average_pool(
    images: Images, size: Size, *, stride: Size | None = None, padding: Size = 0
) -> Pooled:
    """Return the mean of each window; the gradient is shared evenly by its pixels.

    Args:
        images: Any.
        size: Of the window.
        stride: Pixels from one place to the next; by default the window's size.
        padding: Zeros around the image, which count in the mean.

    Raises:
        ShapeError: The image is smaller than the window.
        SettingError: A window could lie in the padding alone.

    Example:
        >>> average_pool(torch.tensor([[[[1.0, 5.0], [2.0, 4.0]]]]), 2)
        tensor([[[[3.]]]])
    """
    return _seen(images, size, stride, padding, 0.0).mean(dim=2)


def global_average_pool(images: Images) -> Float[Tensor, "batch channels"]:
    """Return the mean of each channel: one window as large as the image.

    What follows it no longer depends on the image's size (Lin et al., 2013).

    Example:
        >>> global_average_pool(torch.ones(1, 3, 5, 7))
        tensor([[1., 1., 1.]])
    """
    return average_pool(images, (images.shape[2], images.shape[3])).flatten(1)


def _seen(images: Tensor, size: Size, stride: Size | None, padding: Size, around: float) -> Tensor:
    """Return what each window sees: (batch, channels, pixels of the window, height, width)."""
    windows = Windows(pair(size), pair(size if stride is None else stride), pair(padding))
    if any(2 * edge > side for edge, side in zip(windows.padding, windows.size, strict=True)):
        raise SettingError(
            f"the padding must be at most half the window {windows.size}, got {windows.padding}."
        )
    places = windows.places((images.shape[2], images.shape[3]))
    down, across = windows.padding
    padded = F.pad(images, (across, across, down, down), value=around)
    seen = [
        windows.at(padded, row, column, places)
        for row in range(windows.size[0])
        for column in range(windows.size[1])
    ]
    return torch.stack(seen, dim=2)
