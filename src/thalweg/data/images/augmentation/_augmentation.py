"""Augmentation of images: what is done to them, how far it goes, and in which order."""

from dataclasses import astuple, dataclass
from typing import no_type_check

import torch
from jaxtyping import Float
from torch import Tensor

from thalweg._core import formats
from thalweg.data.images.augmentation._affine import draw_maps, in_oblong
from thalweg.data.images.augmentation._blur import blurred
from thalweg.data.images.augmentation._colour import Palette, draw_colours, recoloured
from thalweg.data.images.augmentation._crop import central, centre, draw_windows, into_windows
from thalweg.data.images.augmentation._draws import Draws, new_keys, stream
from thalweg.data.images.augmentation._elastic import MOST_ELASTIC, draw_knots
from thalweg.data.images.augmentation._erase import draw_holes, erased
from thalweg.data.images.augmentation._noise import noisy
from thalweg.data.images.augmentation._warp import Warp
from thalweg.errors import SettingError

# Half a turn is the largest there is; a shift by half a side or a shear of 60 degrees leaves
# little of a picture, and a blur of 10 pixels little in it. Factors stay above zero.
LIMITS = {
    "rotate": 180.0,
    "shift": 0.5,
    "scale": 4.0,
    "shear": 60.0,
    "crop": 0.95,
    "elastic": MOST_ELASTIC,
    "blur": 10.0,
    "brightness": 1.0,
    "contrast": 1.0,
    "saturation": 1.0,
    "hue": 180.0,
    "noise": 1.0,
    "erase": 0.95,
}
COLOURS = ("brightness", "contrast", "saturation", "hue")
Size = tuple[int, int]
"""Height and width in pixels."""


# Types are checked below, with messages for people, in tests too.
@no_type_check
@dataclass(frozen=True)
class Augmentation:
    """Random changes of a batch of images, each image by its own.

    All run on whole batches, on their device. What an image goes through is a function of seed,
    epoch and the image's position in the training part, so that it depends neither on the batch
    it comes in nor on what was drawn before. Turns, shifts, scalings, shears, mirror images,
    crops and elastic distortion are one map, so that pixels are interpolated once; those from
    outside an image repeat its border.

    Example:
        >>> import torch
        >>> augmentation = Augmentation(rotate=10, blur=1.0, noise=0.05)
        >>> draws = augmentation.draw(1000, seed=0, epoch=3)
        >>> images = torch.zeros(2, 1, 8, 8)
        >>> augmentation.apply(images, draws.of(torch.tensor([17, 4]))).shape
        torch.Size([2, 1, 8, 8])
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
    crop: float = 0.0
    """Largest share of the area that a random crop leaves out; what it keeps fills the input."""
    elastic: float = 0.0
    """Largest displacement of places that move smoothly, as a share of a side."""
    blur: float = 0.0
    """Largest standard deviation of a blur, in pixels."""
    brightness: float = 0.0
    """Largest change of brightness, as a share: 0.2 draws factors from 0.8 to 1.2."""
    contrast: float = 0.0
    """Largest change of contrast around the image's mean grey, likewise."""
    saturation: float = 0.0
    """Largest change of saturation, likewise; 1 goes from grey to twice as colourful."""
    hue: float = 0.0
    """Largest turn of the hue either way, in degrees."""
    noise: float = 0.0
    """Largest standard deviation of noise, where black is 0 and white is 1."""
    erase: float = 0.0
    """Largest share of the area of a rectangle that is hidden."""

    def __post_init__(self) -> None:
        for name, limit in LIMITS.items():
            value = getattr(self, name)
            is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
            if not is_number or not 0 <= value <= limit:
                shown = formats.plain(repr(value))
                raise SettingError(f"{name} must be from 0 to {limit:g}, got {shown}.")
        if not isinstance(self.mirror, bool):
            raise SettingError(f"mirror must be true or false, got {self.mirror!r}.")

    @property
    def is_identity(self) -> bool:
        """Whether images pass unchanged."""
        return not any(astuple(self))

    def check(self, channels: int | None) -> None:
        """Refuse what changes colours where there are none.

        Args:
            channels: 1 for grey pictures, 3 for those in colour, None for other arrays.

        Raises:
            SettingError: It means nothing on such images.
        """
        for name in COLOURS:
            if getattr(self, name) and channels is None:
                raise SettingError(
                    f"{name} is for pictures, whose black and white are known, and these are "
                    "arrays of numbers. Load them as uint8, or leave it out."
                )
            if getattr(self, name) and channels == 1 and name in ("saturation", "hue"):
                raise SettingError(
                    f"{name} is for pictures in colour, and these are grey. Leave it out."
                )

    def draw(self, examples: int, seed: int, epoch: int) -> Draws:
        """Return what every image goes through in one epoch."""

        def uniform(*name: str):
            return stream(examples, seed, *name, epoch)

        values = {}
        if self.rotate or self.shift or self.scale or self.shear or self.mirror:
            values["maps"] = draw_maps(
                uniform(),
                rotate=self.rotate,
                shear=self.shear,
                scale=self.scale,
                shift=self.shift,
                mirror=self.mirror,
            )
        if self.crop:
            values["windows"] = draw_windows(uniform("crop"), self.crop)
        if any(getattr(self, name) for name in COLOURS):
            limits = {name: getattr(self, name) for name in COLOURS}
            values["colours"] = draw_colours(uniform("colours"), **limits)
        if self.elastic:
            values["elastic"] = new_keys(uniform("elastic"))
        if self.noise:
            values["noise"] = new_keys(uniform("noise"))
            values["noise strength"] = self.noise * uniform("noise strength")(1)
        if self.blur:
            values["blur"] = self.blur * uniform("blur")(1)[:, 0]
        if self.erase:
            values["holes"] = draw_holes(uniform("erase"), self.erase)
        return Draws(values, examples)

    def warp(self, draws: Draws, size: Size, stored: Size | None = None) -> Warp:
        """Return where the pixels of a batch come from; points and boxes can be moved by it.

        Args:
            draws: Of these images.
            size: Height and width of the output.
            stored: Height and width of what is there, of which the output is the centre where
                nothing moves it; the same by default.
        """
        stored = stored or size
        if "maps" in draws:
            maps = in_oblong(draws["maps"], size)
        else:
            maps = torch.eye(2, 3, device=draws.device).repeat(draws.number, 1, 1)
        if "windows" in draws:
            maps = into_windows(maps, draws["windows"])
        elif stored != size:
            maps = into_windows(maps, central(size, stored, like=maps))
        knots = draw_knots(draws["elastic"], self.elastic) if "elastic" in draws else None
        return Warp(maps, size, stored, knots)

    def apply(
        self,
        images: Float[Tensor, "batch channels rows columns"],
        draws: Draws,
        size: Size | None = None,
        palette: Palette | None = None,
    ) -> Float[Tensor, "batch channels height width"]:
        """Return the images, each changed as it was drawn.

        Args:
            images: The batch, standardized.
            draws: Of these images.
            size: Height and width of the output, of which there may be more stored; the same
                by default.
            palette: Where black and white lie in the images, for what changes colours; without
                one, noise is in units of the images.
        """
        stored = images.shape[2], images.shape[3]
        size = size or stored
        if any(name in draws for name in ("maps", "windows", "elastic")):
            images = self.warp(draws, size, stored).images(images)
        elif stored != size:
            images = centre(images, size)
        if "blur" in draws:
            images = blurred(images, draws["blur"], self.blur)
        if "colours" in draws:
            assert palette is not None
            images = recoloured(images, draws["colours"], palette)
        if "noise" in draws:
            strength = draws["noise strength"]
            if palette is not None:
                strength = strength / palette.moments(images)[1]
            images = noisy(images, draws["noise"], strength)
        if palette is not None and ("colours" in draws or "noise" in draws):
            images = palette.clamp(images)
        return erased(images, draws["holes"]) if "holes" in draws else images
