"""Blur: every pixel becomes the mean of its neighbours, weighted by a bell curve."""

import math

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

# Standard deviations after which the bell curve is cut off.
REACH = 3


def blurred(
    images: Float[Tensor, "batch channels height width"],
    deviations: Float[Tensor, " batch"],
    largest: float,
) -> Float[Tensor, "batch channels height width"]:
    """Return images blurred by a bell curve each, along one side and then the other.

    Args:
        images: The pictures.
        deviations: Standard deviation of the curve of each, in pixels; zero blurs nothing.
        largest: The largest that may come, which gives all the same kernel size.
    """
    if images.shape[0] * images.shape[1] == 1:
        # torch has another kernel for a single channel, which rounds otherwise than that for more,
        # and a picture is to be the same in a batch of any size.
        return blurred(images.repeat(2, 1, 1, 1), deviations.repeat(2), largest)[:1]
    reach = math.ceil(REACH * largest)
    places = torch.arange(-reach, reach + 1, device=images.device)
    # Below a tenth of a pixel only the pixel itself counts.
    exponents = -((places / deviations.clamp(min=0.1)[:, None]) ** 2) / 2
    kernels = exponents.softmax(dim=1)  # (batch, taps)
    batch, channels, _, _ = images.shape
    kernels = kernels.repeat_interleave(channels, dim=0)[:, None, None]
    flat = images.flatten(0, 1)[None]  # (1, batch · channels, height, width)
    flat = F.pad(flat, (reach,) * 4, mode="replicate")
    flat = F.conv2d(flat, kernels, groups=batch * channels)
    flat = F.conv2d(flat, kernels.mT, groups=batch * channels)
    return flat[0].unflatten(0, (batch, channels))
