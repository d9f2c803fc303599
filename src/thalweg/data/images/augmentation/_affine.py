"""Turns, shears, scalings, mirror images and shifts: one affine map per picture."""

import math

import torch
from jaxtyping import Float
from torch import Tensor

from thalweg.data.images.augmentation._draws import Uniform


def draw_maps(
    uniform: Uniform, *, rotate: float, shear: float, scale: float, shift: float, mirror: bool
) -> Float[Tensor, "pictures 2 3"]:
    """Return a map for each picture, from places in the output to places in the input.

    Both are measured from the centre, in half sides of a square picture, as
    `torch.nn.functional.affine_grid` has them.

    Args:
        uniform: Gives the random numbers.
        rotate: Largest turn either way, in degrees.
        shear: Largest shear, in degrees.
        scale: Largest change of size, as a share.
        shift: Largest shift along each side, as a share of it.
        mirror: Whether half of the pictures are mirrored.
    """
    drawn = 2 * uniform(6) - 1
    turn = math.radians(rotate) * drawn[:, 0]
    lean = torch.tan(math.radians(shear) * drawn[:, 1])
    size = torch.exp(-math.log1p(scale) * drawn[:, 2])
    side = torch.where(drawn[:, 3] < 0, -1.0, 1.0) if mirror else torch.ones(len(drawn))
    cos, sin = size * turn.cos(), size * turn.sin()
    maps = torch.empty(len(drawn), 2, 3)
    maps[:, 0, 0] = side * cos
    maps[:, 0, 1] = side * (cos * lean - sin)
    maps[:, 1, 0] = sin
    maps[:, 1, 1] = sin * lean + cos
    maps[:, :, 2] = 2 * shift * drawn[:, 4:]
    return maps


def in_oblong(
    maps: Float[Tensor, "batch 2 3"], size: tuple[int, int]
) -> Float[Tensor, "batch 2 3"]:
    """Return maps of square pictures for pictures of another shape, right angles kept right.

    Args:
        maps: As `draw_maps` returns them.
        size: Height and width of the output.
    """
    height, width = size
    if height == width:
        return maps
    stretch = maps.new_tensor([[1.0, height / width, 1.0], [width / height, 1.0, 1.0]])
    return maps * stretch
