"""Images brought to the least size that a network can take."""

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

# A few pixels short of the size are made up by a border: the content keeps its scale, as when
# LeCun et al. put digits of 28 pixels in the middle of 32.
WIDEST_BORDER = 4


class AtLeast(nn.Module):
    """Brings images up to `size` pixels in height and width; larger sides stay as they are.

    Sides at most four pixels short get a border that repeats the outermost pixels, which is
    background whatever the normalization. Shorter ones are enlarged bilinearly.

    Args:
        size: Least height and width, in pixels.

    Example:
        >>> import torch
        >>> fit = AtLeast(32)
        >>> [tuple(fit(torch.zeros(1, 1, side, side)).shape[2:]) for side in (8, 28, 45)]
        [(32, 32), (32, 32), (45, 45)]
    """

    macs = 0
    """For `tw.anatomy`: as pooling does, resizing counts as nothing."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = size

    def forward(
        self, images: Float[Tensor, "batch channels height width"]
    ) -> Float[Tensor, "batch channels newheight newwidth"]:
        height, width = self.fitted(images.shape[-2], images.shape[-1])
        down, right = height - images.shape[-2], width - images.shape[-1]
        if max(down, right) > WIDEST_BORDER:
            return F.interpolate(images, (height, width), mode="bilinear", align_corners=False)
        if max(down, right) == 0:
            return images
        border = (right // 2, right - right // 2, down // 2, down - down // 2)
        return F.pad(images, border, mode="replicate")

    def fitted(self, height: int, width: int) -> tuple[int, int]:
        """Return the height and width that images of this size come out with."""
        return max(height, self.size), max(width, self.size)

    def extra_repr(self) -> str:
        return str(self.size)
