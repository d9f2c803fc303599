"""Noise: every pixel is off by a little, each by its own."""

import functools

import torch
from jaxtyping import Float, Int
from torch import Tensor

from thalweg.data.images.augmentation._draws import LEVELS, hashed


def normal(keys: Int[Tensor, "batch 2"], numbers: int) -> Float[Tensor, "batch numbers"]:
    """Return normally distributed numbers that depend on a picture's key alone."""
    drawn = hashed(keys, numbers)
    return _quantiles(keys.device).index_select(0, drawn.flatten()).view(drawn.shape)


def noisy(
    images: Float[Tensor, "batch channels height width"],
    keys: Int[Tensor, "batch 2"],
    deviations: Float[Tensor, " batch #channels"],
) -> Float[Tensor, "batch channels height width"]:
    """Return images with normal noise of a standard deviation each, in units of the images."""
    noise = normal(keys, images[0].numel()).view(images.shape)
    return torch.addcmul(images, noise, deviations[:, :, None, None])


@functools.cache
def _quantiles(device: torch.device) -> Float[Tensor, " levels"]:
    """Return the normal number below which lies each share: a table is faster than a formula.

    The farthest is 4.3 standard deviations away.
    """
    shares = (torch.arange(LEVELS, dtype=torch.float64) + 0.5) / LEVELS
    return torch.special.ndtri(shares).float().to(device)
