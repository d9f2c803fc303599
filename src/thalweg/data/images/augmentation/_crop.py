"""Random crops: a window into each picture, which then fills the whole of the input."""

import math

import torch
from jaxtyping import Float, Shaped
from torch import Tensor

from thalweg.data.images.augmentation._draws import Uniform

# The least and the largest width of a window for a height of one (Szegedy et al., 2015).
RATIOS = (3 / 4, 4 / 3)


def draw_windows(uniform: Uniform, crop: float) -> Float[Tensor, "pictures 4"]:
    """Return the centre (x, y) of a window for each picture, then half its width and height.

    All are in half sides of the picture, as seen from its centre. The share of the area is drawn
    evenly, the ratio of the sides evenly in its logarithm; a ratio with which the window would
    not fit into the picture is never drawn.

    Args:
        uniform: Gives the random numbers.
        crop: Largest share of the area that a window leaves out.
    """
    drawn = uniform(4)
    area = 1 - crop * drawn[:, 0]
    low = area.log().clamp(min=math.log(RATIOS[0]))
    high = (-area.log()).clamp(max=math.log(RATIOS[1]))
    ratio = torch.exp(low + (high - low) * drawn[:, 1])
    half = torch.stack([(area * ratio).sqrt(), (area / ratio).sqrt()], dim=1)
    half = half.clamp(max=1)  # Rounding may have left it longer.
    centre = (2 * drawn[:, 2:] - 1) * (1 - half)
    return torch.cat([centre, half], dim=1)


def central(
    size: tuple[int, int], stored: tuple[int, int], like: Tensor
) -> Float[Tensor, "batch 4"]:
    """Return the windows that leave the pixels of the centre as they are.

    Example:
        >>> central((224, 224), stored=(256, 256), like=torch.zeros(1))
        tensor([[0.0000, 0.0000, 0.8750, 0.8750]])
    """
    half = [size[1] / stored[1], size[0] / stored[0]]
    return like.new_tensor([0.0, 0.0, *half]).repeat(len(like), 1)


def centre(
    images: Shaped[Tensor, "*batch rows columns"], size: tuple[int, int]
) -> Shaped[Tensor, "*batch height width"]:
    """Return the pixels around the centre."""
    top, left = (images.shape[-2] - size[0]) // 2, (images.shape[-1] - size[1]) // 2
    return images[..., top : top + size[0], left : left + size[1]]


def into_windows(
    maps: Float[Tensor, "batch 2 3"], windows: Float[Tensor, "batch 4"]
) -> Float[Tensor, "batch 2 3"]:
    """Return maps that lead to places in a picture, from maps to places in its window."""
    inside = windows[:, 2:, None] * maps
    inside[:, :, 2] += windows[:, :2]
    return inside
