"""Erasing: a rectangle of each picture is hidden, so that no part of it is relied upon.

DeVries and Taylor (2017) cut out squares; Zhong et al. (2017) rectangles.
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor

from thalweg.data.images.augmentation._crop import RATIOS
from thalweg.data.images.augmentation._draws import Uniform


def draw_holes(uniform: Uniform, erase: float) -> Float[Tensor, "pictures 4"]:
    """Return left, top, right and bottom of a rectangle for each picture, as shares of a side.

    Its centre is anywhere, so that some of it may be outside.

    Args:
        uniform: Gives the random numbers.
        erase: Largest share of the area of a picture.
    """
    drawn = uniform(4)
    low, high = map(math.log, RATIOS)
    area, ratio = erase * drawn[:, 0], torch.exp(low + (high - low) * drawn[:, 1])
    half = torch.stack([(area * ratio).sqrt(), (area / ratio).sqrt()], dim=1) / 2
    return torch.cat([drawn[:, 2:] - half, drawn[:, 2:] + half], dim=1)


def erased(
    images: Float[Tensor, "batch channels height width"], holes: Float[Tensor, "batch 4"]
) -> Float[Tensor, "batch channels height width"]:
    """Return images in which pixels with their centres in the rectangle are zero.

    Zero is the mean of the training part.
    """
    height, width = images.shape[2:]
    x = (torch.arange(width, device=images.device) + 0.5) / width
    y = (torch.arange(height, device=images.device) + 0.5) / height
    left, top, right, bottom = holes[:, :, None].unbind(1)
    across, down = (x > left) & (x < right), (y > top) & (y < bottom)
    return images.masked_fill((down[:, :, None] & across[:, None])[:, None], 0.0)
