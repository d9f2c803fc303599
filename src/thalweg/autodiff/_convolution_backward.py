"""The backward pass of a convolution is two convolutions.

For v = x * w (without flipping w, as networks write it), every input pixel has touched the
outputs through the same weights in reverse order, and every weight has touched all outputs
through the pixels under it:

    ∂J/∂x = pad(∂J/∂v) * rot180(w)        ∂J/∂w = x * ∂J/∂v

A stride s leaves out outputs, so that ∂J/∂v gets s − 1 zeros between its pixels first.
"""

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from thalweg._core.windows import Size, Windows, pair
from thalweg.errors import ShapeError


def convolution_input_gradient(
    upstream: Float[Tensor, "batch filters newheight newwidth"],
    weight: Float[Tensor, "filters channels high wide"],
    size: tuple[int, int],
    *,
    stride: Size = 1,
    padding: Size = 0,
    dilation: Size = 1,
) -> Float[Tensor, "batch channels height width"]:
    """Return ∂J/∂x of a convolution: ∂J/∂v padded, convolved with the weights turned by 180°.

    Args:
        upstream: ∂J/∂v, the gradient that arrives at the output.
        weight: Of the convolution.
        size: Height and width of its input.
        stride: Of the convolution.
        padding: Zeros around its input, on each side.
        dilation: Distance between the weights, in pixels.

    Raises:
        ShapeError: Such a convolution gives no output of that size.

    Example:
        >>> import torch
        >>> upstream = torch.tensor([[[[3.0, -2.0], [1.0, -1.0]]]])
        >>> weight = torch.tensor([[[[1.0, 2.0], [0.0, -1.0]]]])
        >>> convolution_input_gradient(upstream, weight, (3, 3))
        tensor([[[[ 3.,  4., -4.],
                  [ 1., -2.,  0.],
                  [ 0., -1.,  1.]]]])
    """
    filters = (weight.shape[2], weight.shape[3])
    windows = Windows(filters, pair(stride), pair(padding), pair(dilation))
    _fit(upstream, windows, size)
    spread = _spread(upstream, windows.stride)
    high, wide = windows.reach
    padded = F.pad(spread, (wide - 1, wide - 1, high - 1, high - 1))
    turned = weight.flip(2, 3).transpose(0, 1)  # (channels, filters, high, wide)
    found = F.conv2d(padded, turned, dilation=windows.dilation)
    # The last pixels may lie beyond the last window, which a stride can leave out.
    unseen = [
        whole + 2 * around - seen
        for whole, around, seen in zip(size, windows.padding, found.shape[2:], strict=True)
    ]
    found = F.pad(found, (0, unseen[1], 0, unseen[0]))
    top, left = windows.padding
    return found[:, :, top : top + size[0], left : left + size[1]]


def convolution_weight_gradient(
    inputs: Float[Tensor, "batch channels height width"],
    upstream: Float[Tensor, "batch filters newheight newwidth"],
    size: tuple[int, int],
    *,
    stride: Size = 1,
    padding: Size = 0,
    dilation: Size = 1,
) -> Float[Tensor, "filters channels high wide"]:
    """Return ∂J/∂w of a convolution: its input convolved with ∂J/∂v, summed over the batch.

    Args:
        inputs: Of the convolution.
        upstream: ∂J/∂v, the gradient that arrives at the output.
        size: Height and width of its weights.
        stride: Of the convolution.
        padding: Zeros around its input, on each side.
        dilation: Distance between the weights, in pixels.

    Raises:
        ShapeError: Such a convolution gives no output of that size.

    Example:
        >>> import torch
        >>> inputs = torch.tensor([[[[2.0, -3.0, 4.0], [1.0, -1.0, 2.0], [-1.0, 2.0, 3.0]]]])
        >>> upstream = torch.tensor([[[[3.0, -2.0], [1.0, -1.0]]]])
        >>> convolution_weight_gradient(inputs, upstream, (2, 2))
        tensor([[[[ 14., -20.],
                  [  2.,  -8.]]]])
    """
    windows = Windows(size, pair(stride), pair(padding), pair(dilation))
    _fit(upstream, windows, (inputs.shape[2], inputs.shape[3]))
    top, left = windows.padding
    padded = F.pad(inputs, (left, left, top, top))
    # Each filter's gradient of each channel is an image; summing over the batch is what a
    # convolution does with channels. Stride and dilation change places.
    found = F.conv2d(
        padded.transpose(0, 1),
        upstream.transpose(0, 1),
        stride=windows.dilation,
        dilation=windows.stride,
    )
    return found.transpose(0, 1)[:, :, : size[0], : size[1]]


def _spread(images: Tensor, stride: tuple[int, int]) -> Tensor:
    """Return images with zeros between their pixels, as many as the stride leaves out."""
    batch, channels, height, width = images.shape
    down, across = stride
    spread = images.new_zeros(batch, channels, (height - 1) * down + 1, (width - 1) * across + 1)
    spread[:, :, ::down, ::across] = images
    return spread


def _fit(upstream: Tensor, windows: Windows, size: tuple[int, int]) -> None:
    """Raise where the gradient does not have the convolution's output size."""
    expected = windows.places(size)
    if tuple(upstream.shape[2:]) != expected:
        raise ShapeError(
            f"the gradient must have the output's size {expected}, got "
            f"{tuple(upstream.shape[2:])}. Give the stride, padding and dilation that made it."
        )
