"""The two ways in which public weights had their images standardized."""

import torch
from jaxtyping import Float
from torch import Tensor

from thalweg.errors import SettingError

IMAGENET_MEAN = (0.485, 0.456, 0.406)
"""Of red, green and blue over ImageNet's training part, where white is 1."""
IMAGENET_STD = (0.229, 0.224, 0.225)
"""Standard deviations, likewise."""


def from_imagenet_to_half(
    images: Float[Tensor, "batch channels height width"],
) -> Float[Tensor, "batch channels height width"]:
    """Return images standardized by ImageNet's moments as if by mean and deviation one half.

    The Inception networks were trained on pixels from −1 to 1.

    Example:
        >>> white = (1 - torch.tensor(IMAGENET_MEAN)) / torch.tensor(IMAGENET_STD)
        >>> from_imagenet_to_half(white.view(1, 3, 1, 1)).flatten().round(decimals=4)
        tensor([1., 1., 1.])
    """
    mean, std = (
        torch.tensor(each, dtype=images.dtype, device=images.device).view(3, 1, 1)
        for each in (IMAGENET_MEAN, IMAGENET_STD)
    )
    return images * (std / 0.5) + (mean - 0.5) / 0.5


def check_transform(is_wanted: bool, channels: int) -> None:
    """Refuse to transform images that have no colours.

    Raises:
        SettingError: They do not have three channels.
    """
    if not isinstance(is_wanted, bool):
        raise SettingError(f"transform_input must be true or false, got {is_wanted!r}.")
    if is_wanted and channels != 3:
        raise SettingError(
            f"transform_input needs images of 3 channels, red, green and blue; got {channels}."
        )
