"""Filters for images as they were before networks learned them: smoothing, and edges."""

from typing import Literal

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from thalweg._core.registry import Registry
from thalweg.errors import ShapeError
from thalweg.nn._convolutions import convolve_direct

Border = Literal["cut", "repeat", "zero"]

image_filters: Registry[Float[Tensor, "high wide"]] = Registry("image filter")
"""Every filter by name."""

for _name, _summary, _rows in (
    ("smoothing", "a mean that counts the middle four times", [[1, 1, 1], [1, 4, 1], [1, 1, 1]]),
    ("vertical_edges", "left less right", [[1, 0, -1], [1, 0, -1], [1, 0, -1]]),
    ("horizontal_edges", "above less below", [[1, 1, 1], [0, 0, 0], [-1, -1, -1]]),
):
    _kernel = torch.tensor(_rows, dtype=torch.float32)
    # The weights of a mean add up to one, those of a difference to nothing.
    image_filters.register(_name, summary=_summary)(_kernel / (_kernel.sum() or 1.0))


def filter_image(
    image: Float[Tensor, "*batch height width"],
    kernel: str | Float[Tensor, "high wide"],
    border: Border = "cut",
) -> Float[Tensor, "*batch newheight newwidth"]:
    """Return the feature map of an image: a filter's answer at each of its places.

    Each pixel is the sum of those around it in the *original* image, weighted by the filter; one
    that reads pixels already filtered is another filter, and depends on the order.

    Args:
        image: Of one channel, or many such.
        kernel: A name of `thalweg.nn.image_filters`, or weights of your own.
        border: "cut" keeps the places where the whole filter lies within the image; "repeat"
            and "zero" extend the image by its outermost pixels or zeros, and keep its size.

    Raises:
        UnknownNameError: There is no such filter.
        ShapeError: The image is smaller than the filter.

    Example:
        >>> steps = torch.tensor([[0.0, 0.0, 9.0, 9.0]]).repeat(3, 1)
        >>> filter_image(steps, "vertical_edges")
        tensor([[-27., -27.]])
    """
    if image.ndim < 2:
        raise ShapeError(f"an image must have a height and a width, got {tuple(image.shape)}.")
    weights = (image_filters[kernel] if isinstance(kernel, str) else kernel).to(image)
    images = image.reshape(-1, 1, *image.shape[-2:])
    if border != "cut":
        high, wide = weights.shape
        around = ((wide - 1) // 2, wide // 2, (high - 1) // 2, high // 2)
        images = F.pad(images, around, mode="replicate" if border == "repeat" else "constant")
    found = convolve_direct(images, weights[None, None])
    return found.reshape(*image.shape[:-2], *found.shape[-2:])
