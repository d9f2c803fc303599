"""Brightness, contrast, saturation and hue: one affine map of the colours per picture."""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from thalweg.data.images.augmentation._draws import Uniform

# What red, green and blue add to the brightness of a picture (ITU-R BT.601).
LUMA = (0.299, 0.587, 0.114)
# From red, green and blue to brightness and two axes of colour (YIQ), in which hue is an angle.
_TO_YIQ = torch.tensor([LUMA, (0.596, -0.274, -0.322), (0.211, -0.523, 0.312)], dtype=torch.float64)
_FROM_YIQ = torch.linalg.inv(_TO_YIQ)


@dataclass(frozen=True)
class Palette:
    """Where black and white lie in the network's inputs.

    Args:
        mean: What was subtracted from each channel, where black is 0 and white is 1.
        std: What each channel was divided by after that.
    """

    mean: tuple[float, ...]
    std: tuple[float, ...]

    @property
    def channels(self) -> int:
        """1 for grey, 3 for colour."""
        return len(self.mean)

    def moments(self, like: Tensor) -> tuple[Float[Tensor, " c"], Float[Tensor, " c"]]:
        """Return mean and standard deviation on the device of a tensor."""
        return like.new_tensor(self.mean), like.new_tensor(self.std)

    def clamp(
        self, images: Float[Tensor, "batch c height width"]
    ) -> Float[Tensor, "batch c height width"]:
        """Return images with nothing darker than black or brighter than white."""
        mean, std = (each[:, None, None] for each in self.moments(images))
        return images.clamp(-mean / std, (1 - mean) / std)


def draw_colours(
    uniform: Uniform, *, brightness: float, contrast: float, saturation: float, hue: float
) -> Float[Tensor, "pictures 4"]:
    """Return three factors around one for each picture, and an angle in radians."""
    limits = torch.tensor([brightness, contrast, saturation, math.radians(hue)])
    return (2 * uniform(4) - 1) * limits + torch.tensor([1.0, 1.0, 1.0, 0.0])


def recoloured(
    images: Float[Tensor, "batch c height width"],
    colours: Float[Tensor, "batch 4"],
    palette: Palette,
) -> Float[Tensor, "batch c height width"]:
    """Return images with other colours: turned, then saturated, then contrasted, then lit.

    Saturation blends with the grey of each pixel, contrast with the mean grey of the picture,
    brightness with black.
    """
    brightness, contrast, saturation, hue = colours.unbind(1)
    mean, std = palette.moments(images)
    pixels = images.flatten(2)  # (batch, channels, pixels)
    if palette.channels == 1:
        luma, turned = mean.new_ones(1), mean.new_ones(len(images), 1, 1)
    else:
        luma, turned = mean.new_tensor(LUMA), _turned(saturation, hue)
    grey = (pixels.mean(dim=2) * std + mean) @ luma
    gain = brightness * contrast
    matrix = gain[:, None, None] * turned
    offset = (brightness - gain) * grey
    # The same map as the network's inputs see it: x = std·z + mean on both sides.
    shifted = matrix @ mean + offset[:, None] - mean
    inputs = matrix * std / std[:, None]
    return torch.baddbmm((shifted / std)[:, :, None], inputs, pixels).view_as(images)


def _turned(
    saturation: Float[Tensor, " batch"], hue: Float[Tensor, " batch"]
) -> Float[Tensor, "batch 3 3"]:
    """Return the matrices that turn and stretch colours around the axis of greys."""
    along, across = saturation * hue.cos(), saturation * hue.sin()
    turn = torch.zeros(len(hue), 3, 3, device=hue.device)
    turn[:, 0, 0] = 1
    turn[:, 1, 1], turn[:, 1, 2] = along, -across
    turn[:, 2, 1], turn[:, 2, 2] = across, along
    # To the type first: not every device has double precision.
    there, back = (each.to(hue.dtype).to(hue.device) for each in (_TO_YIQ, _FROM_YIQ))
    return back @ turn @ there
