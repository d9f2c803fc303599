"""A window that slides over an image: how many places it takes, and what it sees there."""

from dataclasses import dataclass

from torch import Tensor

from thalweg.errors import SettingError, ShapeError

Size = int | tuple[int, int]
"""Of height and width, or one number for both."""


def pair(size: Size) -> tuple[int, int]:
    """Return height and width."""
    return (size, size) if isinstance(size, int) else size


@dataclass(frozen=True)
class Windows:
    """The geometry of a convolution or a pool, each as (height, width).

    Args:
        size: Pixels that the window sees.
        stride: From one place to the next.
        padding: Around the image, on each side.
        dilation: From one pixel that it sees to the next.

    Example:
        >>> Windows((5, 5), (2, 2), (1, 1)).places((28, 28))
        (13, 13)
    """

    size: tuple[int, int]
    stride: tuple[int, int] = (1, 1)
    padding: tuple[int, int] = (0, 0)
    dilation: tuple[int, int] = (1, 1)

    def __post_init__(self) -> None:
        if min(*self.size, *self.stride, *self.dilation) < 1 or min(self.padding) < 0:
            raise SettingError(
                "kernel size, stride and dilation must be at least 1 and padding at least 0, got "
                f"{self.size}, {self.stride}, {self.dilation} and {self.padding}."
            )

    @property
    def reach(self) -> tuple[int, int]:
        """Pixels from the first that it sees to the last, both counted."""
        high, wide = self.size
        return self.dilation[0] * (high - 1) + 1, self.dilation[1] * (wide - 1) + 1

    def places(self, image: tuple[int, int]) -> tuple[int, int]:
        """Return how many places it takes: ⌊(h + 2p − f)/s⌋ + 1 in each direction.

        Raises:
            ShapeError: The image is too small for one.
        """
        down, across = (
            (whole + 2 * around - reach) // step + 1
            for whole, around, reach, step in zip(
                image, self.padding, self.reach, self.stride, strict=True
            )
        )
        if min(down, across) < 1:
            least = tuple(
                reach - 2 * around for reach, around in zip(self.reach, self.padding, strict=True)
            )
            raise ShapeError(
                f"the image must have at least {least[0]}×{least[1]} pixels, got "
                f"{image[0]}×{image[1]}. Enlarge it, or pad it."
            )
        return down, across

    def at(self, padded: Tensor, row: int, column: int, places: tuple[int, int]) -> Tensor:
        """Return what the window's pixel in that row and column sees in all places.

        Args:
            padded: Images with the padding around them, height and width last.
            row: Of the pixel in the window.
            column: Of the pixel in the window.
            places: How many there are.
        """
        top, left = row * self.dilation[0], column * self.dilation[1]
        bottom = top + (places[0] - 1) * self.stride[0] + 1
        right = left + (places[1] - 1) * self.stride[1] + 1
        return padded[..., top : bottom : self.stride[0], left : right : self.stride[1]]
