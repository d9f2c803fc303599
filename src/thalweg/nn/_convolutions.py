"""Convolution computed in three ways, each equal to torch's.

The sum is the same, v(k, m) = Σ w(k, c, i)·x(c, m + i) over channels c and offsets i; the order
of the work differs:

- directly: for each offset, all pixels at once;
- as one matrix product: what each window sees becomes a column of f·f·c numbers, each filter a
  row (im2col; Chellapilla et al., 2006). The columns take f·f times the image's memory;
- in Fourier space, where a convolution is a product (Mathieu et al., 2014): its work does not
  grow with the filters' size.

Like all networks', these convolutions do not turn the filters: to a signal processor they are
correlations.
"""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from thalweg._core.registry import Registry
from thalweg._core.windows import Size, Windows, pair
from thalweg.errors import ShapeError

Convolution = Callable[..., Tensor]
convolutions: Registry[Convolution] = Registry("way to convolve")
"""Every way by name."""


@convolutions.register("direct", summary="offset by offset")
def convolve_direct(
    inputs: Float[Tensor, "batch channels height width"],
    weight: Float[Tensor, "filters groupchannels high wide"],
    *,
    stride: Size = 1,
    padding: Size = 0,
    dilation: Size = 1,
    groups: int = 1,
) -> Float[Tensor, "batch filters newheight newwidth"]:
    """Convolve by adding up, offset by offset, the image moved and weighted.

    Args:
        inputs: Images.
        weight: Filters; each reads the channels of its group.
        stride: Pixels from one place to the next.
        padding: Zeros around the image, on each side.
        dilation: Pixels from one weight to the next.
        groups: Parts of the channels that are convolved apart.

    Raises:
        ShapeError: Filters and images do not fit together.

    Example:
        >>> convolve_direct(torch.ones(1, 1, 3, 3), torch.ones(1, 1, 2, 2))
        tensor([[[[4., 4.],
                  [4., 4.]]]])
    """
    windows, images, filters = _prepared(inputs, weight, stride, padding, dilation, groups)
    places = windows.places((inputs.shape[2], inputs.shape[3]))
    batch, count = inputs.shape[0], weight.shape[0]
    total = inputs.new_zeros(batch, groups, count // groups, *places)
    for row in range(windows.size[0]):
        for column in range(windows.size[1]):
            seen = windows.at(images, row, column, places)
            weights = filters[..., row, column]  # (groups, filters, channels)
            total = total + torch.einsum("gkc,ngchw->ngkhw", weights, seen)
    return total.flatten(1, 2)


def im2col(
    inputs: Float[Tensor, "batch channels height width"],
    size: Size,
    *,
    stride: Size = 1,
    padding: Size = 0,
    dilation: Size = 1,
) -> Float[Tensor, "batch entries places"]:
    """Return what a window sees in each place as a column, channel by channel, row by row.

    Args:
        inputs: Images.
        size: Of the window.
        stride: Pixels from one place to the next.
        padding: Zeros around the image, on each side.
        dilation: Pixels between those that the window sees.

    Raises:
        ShapeError: The image is too small.

    Example:
        >>> im2col(torch.arange(9.0).reshape(1, 1, 3, 3), 2)[0].T
        tensor([[0., 1., 3., 4.],
                [1., 2., 4., 5.],
                [3., 4., 6., 7.],
                [4., 5., 7., 8.]])
    """
    windows = Windows(pair(size), pair(stride), pair(padding), pair(dilation))
    places = windows.places((inputs.shape[2], inputs.shape[3]))
    images = _padded(inputs, windows)
    seen = [
        windows.at(images, row, column, places)
        for row in range(windows.size[0])
        for column in range(windows.size[1])
    ]
    return torch.stack(seen, dim=2).flatten(3).flatten(1, 2)


@convolutions.register("im2col", summary="one product of matrices")
def convolve_im2col(
    inputs: Float[Tensor, "batch channels height width"],
    weight: Float[Tensor, "filters groupchannels high wide"],
    *,
    stride: Size = 1,
    padding: Size = 0,
    dilation: Size = 1,
    groups: int = 1,
) -> Float[Tensor, "batch filters newheight newwidth"]:
    """Convolve by one matrix product: K rows of f·f·c weights times the columns of `im2col`.

    Arguments and errors are those of `convolve_direct`.

    Example:
        >>> convolve_im2col(torch.ones(1, 3, 4, 4), torch.ones(8, 3, 2, 2)).shape
        torch.Size([1, 8, 3, 3])
    """
    windows, _, filters = _prepared(inputs, weight, stride, padding, dilation, groups)
    places = windows.places((inputs.shape[2], inputs.shape[3]))
    columns = im2col(inputs, windows.size, stride=stride, padding=padding, dilation=dilation)
    columns = columns.unflatten(1, (groups, -1))  # (batch, groups, f·f·c, places)
    found = filters.flatten(2) @ columns  # (batch, groups, filters, places)
    return found.flatten(1, 2).unflatten(2, places)


@convolutions.register("fourier", summary="a product of spectra")
def convolve_fourier(
    inputs: Float[Tensor, "batch channels height width"],
    weight: Float[Tensor, "filters groupchannels high wide"],
    *,
    stride: Size = 1,
    padding: Size = 0,
    dilation: Size = 1,
    groups: int = 1,
) -> Float[Tensor, "batch filters newheight newwidth"]:
    """Convolve by the convolution theorem: F(x * w) = F(x)·F(w), entry by entry.

    The filters are not turned, which in Fourier space is the complex conjugate. All places are
    computed, and those that the stride leaves out are dropped. Arguments and errors are those
    of `convolve_direct`.

    Example:
        >>> convolve_fourier(torch.ones(1, 1, 8, 8), torch.ones(1, 1, 7, 7)).round()
        tensor([[[[49., 49.],
                  [49., 49.]]]])
    """
    windows, images, filters = _prepared(inputs, weight, stride, padding, dilation, groups)
    windows.places((inputs.shape[2], inputs.shape[3]))
    high, wide = images.shape[-2:]
    spread = filters.new_zeros(*filters.shape[:3], *windows.reach)
    spread[..., :: windows.dilation[0], :: windows.dilation[1]] = filters
    # As large as the padded image: what runs over its edge comes back at the other side, in
    # places that no whole window takes.
    spectrum = torch.fft.rfft2(images)  # (batch, groups, channels, high, frequencies)
    response = torch.fft.rfft2(spread, s=(high, wide)).conj()
    product = torch.einsum("ngchw,gkchw->ngkhw", spectrum, response)
    every = torch.fft.irfft2(product, s=(high, wide)).flatten(1, 2)
    whole = every[..., : high - windows.reach[0] + 1, : wide - windows.reach[1] + 1]
    return whole[..., :: windows.stride[0], :: windows.stride[1]]


def _prepared(
    inputs: Tensor, weight: Tensor, stride: Size, padding: Size, dilation: Size, groups: int
) -> tuple[Windows, Tensor, Tensor]:
    """Return the geometry, the padded images and the filters, both cut into their groups."""
    filters, channels = weight.shape[:2]
    if groups < 1 or inputs.shape[1] != channels * groups or filters % groups:
        raise ShapeError(
            f"filters {tuple(weight.shape)} in {groups} groups must read {channels * groups} "
            f"channels, got images {tuple(inputs.shape)}. Give both in the order of torch's conv2d."
        )
    size = (weight.shape[2], weight.shape[3])
    windows = Windows(size, pair(stride), pair(padding), pair(dilation))
    images = _padded(inputs, windows).unflatten(1, (groups, channels))
    return windows, images, weight.unflatten(0, (groups, filters // groups))


def _padded(inputs: Tensor, windows: Windows) -> Tensor:
    down, across = windows.padding
    return F.pad(inputs, (across, across, down, down))
