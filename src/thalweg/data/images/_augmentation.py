"""Augmentation of images: each epoch sees every picture a little differently."""

import math
from dataclasses import astuple, dataclass
from typing import no_type_check

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from thalweg._core import seeds
from thalweg.errors import SettingError

# Half a turn is the largest there is; a shift by half a side or a shear of 60 degrees leaves
# little of a picture.
LIMITS = {"rotate": 180.0, "shift": 0.5, "scale": 4.0, "shear": 60.0}


# Types are checked below, with messages for people, in tests too.
@no_type_check
@dataclass(frozen=True)
class Augmentation:
    """Random turns, shifts, scalings, shears and mirror images of a batch.

    All five are one affine map per image, applied to the whole batch at once on its device.
    What an image goes through is a function of seed, epoch and the image's position in the
    training part, so that it depends neither on the batch it comes in nor on what was drawn
    before. Pixels from outside an image repeat its border.
    """

    rotate: float = 0.0
    """Largest turn either way, in degrees."""
    shift: float = 0.0
    """Largest shift along each side, as a share of it."""
    scale: float = 0.0
    """Largest change of size, as a share: 0.1 draws factors from 1/1.1 to 1.1."""
    shear: float = 0.0
    """Largest shear, in degrees."""
    mirror: bool = False
    """Whether half of the images are mirrored, left to right."""

    def __post_init__(self) -> None:
        for name, limit in LIMITS.items():
            value = getattr(self, name)
            is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
            if not is_number or not 0 <= value <= limit:
                raise SettingError(f"{name} must be from 0 to {limit:g}, got {value!r}.")
        if not isinstance(self.mirror, bool):
            raise SettingError(f"mirror must be true or false, got {self.mirror!r}.")

    @property
    def is_identity(self) -> bool:
        """Whether images pass unchanged."""
        return not any(astuple(self))

    def draw(self, examples: int, seed: int, epoch: int) -> Float[Tensor, "examples 2 3"]:
        """Return the affine map of every image for one epoch.

        A map takes output coordinates to input coordinates; both run from −1 to 1 over each
        side, as `torch.nn.functional.affine_grid` has them.
        """
        generator = seeds.generator(seed, "augmentation", epoch)
        drawn = 2 * torch.rand(examples, 6, generator=generator) - 1
        turn = math.radians(self.rotate) * drawn[:, 0]
        shear = torch.tan(math.radians(self.shear) * drawn[:, 1])
        size = torch.exp(-math.log1p(self.scale) * drawn[:, 2])
        side = torch.where(drawn[:, 3] < 0, -1.0, 1.0) if self.mirror else torch.ones(examples)
        cos, sin = size * turn.cos(), size * turn.sin()
        maps = torch.empty(examples, 2, 3)
        maps[:, 0, 0] = side * cos
        maps[:, 0, 1] = side * (cos * shear - sin)
        maps[:, 1, 0] = sin
        maps[:, 1, 1] = sin * shear + cos
        maps[:, :, 2] = 2 * self.shift * drawn[:, 4:]
        return maps

    def apply(
        self,
        images: Float[Tensor, "batch channels height width"],
        maps: Float[Tensor, "batch 2 3"],
    ) -> Float[Tensor, "batch channels height width"]:
        """Return the images, each through its own map, interpolated linearly."""
        grid = F.affine_grid(maps, list(images.shape), align_corners=False)
        return F.grid_sample(images, grid, padding_mode="border", align_corners=False)
