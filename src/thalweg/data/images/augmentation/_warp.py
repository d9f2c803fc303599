"""Where each pixel of the network's input comes from, and where marks in a picture go."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from thalweg.data.images.augmentation._elastic import displaced, field, undisplaced

# Points along each side of a box, from which its new place is taken where sides bend.
POINTS = 9


@dataclass(frozen=True)
class Warp:
    """The geometry of one batch: a map for each picture, which pixels, points and boxes follow.

    Places in pixels are measured from the upper left corner: x to the right and y down, the
    first pixel from 0 to 1 with its centre at 0.5.

    Example:
        >>> mirror = torch.tensor([[[-1.0, 0, 0], [0, 1, 0]]])
        >>> Warp(mirror, (10, 10), (10, 10)).points(torch.tensor([[[2.0, 3.0]]]))
        tensor([[[8., 3.]]])
    """

    maps: Float[Tensor, "batch 2 3"]
    """From places in the output to places in what is stored, both in half sides."""
    size: tuple[int, int]
    """Height and width of the output."""
    stored: tuple[int, int]
    """Height and width of what is stored."""
    knots: Float[Tensor, "batch 2 knots cols"] | None = None
    """Of an elastic distortion, which comes before the map."""

    def images(
        self, images: Float[Tensor, "batch channels _ _"]
    ) -> Float[Tensor, "batch channels height width"]:
        """Return the pictures as the output sees them, interpolated linearly.

        Pixels from outside a picture repeat its border.
        """
        shape = [len(images), images.shape[1], *self.size]
        grid = F.affine_grid(self.maps, shape, align_corners=False)  # (batch, height, width, 2)
        if self.knots is not None:
            moved = self.maps[:, :, :2] @ field(self.knots, self.size).flatten(2)
            grid += moved.mT.unflatten(1, self.size)
        return F.grid_sample(images, grid, padding_mode="border", align_corners=False)

    def points(self, points: Float[Tensor, "batch points 2"]) -> Float[Tensor, "batch points 2"]:
        """Return where points (x, y) of the stored pictures are in the output, in pixels.

        Some may be outside of it.
        """
        places = points / self._half(self.stored, points) - 1
        linear, offset = self.maps[:, :, :2], self.maps[:, :, 2]
        places = torch.linalg.solve(linear, (places - offset[:, None]).mT).mT
        if self.knots is not None:
            places = undisplaced(self.knots, places)
        return (places + 1) * self._half(self.size, points)

    def origins(self, points: Float[Tensor, "batch points 2"]) -> Float[Tensor, "batch points 2"]:
        """Return where points (x, y) of the output are in the stored pictures: `points` undone."""
        places = points / self._half(self.size, points) - 1
        if self.knots is not None:
            places = displaced(self.knots, places)
        places = places @ self.maps[:, :, :2].mT + self.maps[:, None, :, 2]
        return (places + 1) * self._half(self.stored, points)

    def boxes(
        self, boxes: Float[Tensor, "batch boxes 4"]
    ) -> tuple[Float[Tensor, "batch boxes 4"], Float[Tensor, "batch boxes"]]:
        """Return the boxes around what was in boxes, and the share of each inside the output.

        A box that turns gets larger, since its sides stay upright.

        Args:
            boxes: x1, y1, x2, y2 in pixels of the stored pictures.

        Returns:
            Boxes in pixels of the output, cut off at its border; one with a share of zero is
            outside and has no area.
        """
        along = torch.linspace(0, 1, POINTS, device=boxes.device, dtype=boxes.dtype)
        edge, other = torch.meshgrid(along, along.new_tensor([0.0, 1.0]), indexing="ij")
        across = torch.stack([edge.flatten(), other.flatten()], dim=-1)
        outline = torch.cat([across, across.flip(-1)])  # (points, 2), shares of the sides
        low, high = boxes[..., :2], boxes[..., 2:]
        points = low[..., None, :] + (high - low)[..., None, :] * outline
        moved = self.points(points.flatten(1, 2)).unflatten(1, points.shape[1:3])
        around = torch.cat([moved.amin(dim=2), moved.amax(dim=2)], dim=-1)
        height, width = self.size
        edges = around.new_tensor([width, height, width, height])
        inside = around.clamp(min=0).minimum(edges)
        return inside, _area(inside) / _area(around).clamp(min=1e-12)

    def _half(self, size: tuple[int, int], like: Tensor) -> Float[Tensor, "2"]:
        height, width = size
        return like.new_tensor([width / 2, height / 2])


def _area(boxes: Float[Tensor, "*boxes 4"]) -> Float[Tensor, "*boxes"]:
    sides = boxes[..., 2:] - boxes[..., :2]
    return sides[..., 0] * sides[..., 1]
