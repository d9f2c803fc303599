"""What pictures of many sizes become: one size, grey or colour, and why."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import UInt8
from torch import Tensor

from thalweg._core.choices import Choice
from thalweg.data._rows import Rows
from thalweg.data.images._facts import CHUNK
from thalweg.data.images._image_files import Look
from thalweg.data.images._reading import Files
from thalweg.data.images._wanted import Wanted

# Pictures that are all of one size up to this are taken as they are.
LARGEST_KEPT = 256
# What networks for photographs are commonly trained on; beyond it the cost grows faster than
# the accuracy.
LARGEST_CHOSEN = 224
# Networks halve their input up to five times, and 2⁵ = 32; small pictures take three halvings.
MULTIPLES = ((64, 32), (16, 8), (1, 1))


@dataclass(frozen=True)
class Plan:
    """Which files are decoded, and to what."""

    files: Files
    rows: list[int]
    """Positions of those whose headers can be read."""
    failed: dict[int, str]
    """Why the others cannot."""
    size: tuple[int, int]
    """Height and width of what the network gets."""
    shape: tuple[int, int, int]
    """Channels, height and width of what is stored."""
    pixels: int
    """That are to be decoded, in all files together."""
    choices: list[Choice]

    @property
    def bytes_each(self) -> int:
        """That a stored picture takes."""
        return math.prod(self.shape)

    @classmethod
    def of(cls, files: Files, wanted: Wanted) -> "Plan":
        """Look at all files and choose.

        Raises:
            DataError: More than half cannot be read.
        """
        found, failed = files.looks()
        looks = list(found.values())
        size, choices = _size(looks, wanted)
        height, width = size
        most = np.median([min(seen.height / height, seen.width / width) for seen in looks])
        stored = wanted.stored(size, float(most))
        if stored != size:
            reason = (
                f"random crops choose from {stored[0]}×{stored[1]} pixels, of which the network "
                f"gets the {height}×{width} in the centre where nothing is random"
            )
            choices.append(Choice("margin", wanted.margin, reason))
        is_grey = all(seen.is_grey for seen in looks)
        channels = wanted.channels or (1 if is_grey else 3)
        pixels = sum(seen.height * seen.width for seen in looks)
        return cls(files, list(found), failed, size, (channels, *stored), pixels, choices)

    def is_grey(
        self, values: UInt8[Tensor, "examples channels height width"] | Rows, wanted: Wanted
    ) -> bool:
        """Return whether pictures that were decoded in colour have none, and nobody asked."""
        return (
            wanted.channels is None
            and self.shape[0] == 3
            and all(bool((chunk == chunk[:, :1]).all()) for chunk in values.split(CHUNK))
        )

    def told(self, wanted: Wanted, channels: int, repaired: dict[int, list[str]]) -> list[Choice]:
        """Return every choice, and what was left out and mended."""
        choices = list(self.choices)
        if wanted.channels is None:
            is_grey = channels == 1
            reason = "every picture is grey" if is_grey else "there are pictures in colour"
            choices.append(Choice("channels", channels, reason))
        return choices + self.files.told(self.failed, repaired)


def rounded_side(pixels: float) -> int:
    """Return a side at most that long that networks can halve, and at most 224.

    Example:
        >>> [rounded_side(pixels) for pixels in (3000, 100, 50, 7)]
        [224, 96, 48, 7]
    """
    multiple = next(step for least, step in MULTIPLES if pixels >= least)
    return min(int(pixels) // multiple * multiple, LARGEST_CHOSEN)


def _size(looks: Sequence[Look], wanted: Wanted) -> tuple[tuple[int, int], list[Choice]]:
    """Return the height and width that the network gets, and why."""
    if wanted.sides is not None:
        return wanted.sides, []
    height, width = looks[0].height, looks[0].width
    is_one_size = all((seen.height, seen.width) == (height, width) for seen in looks)
    if is_one_size and max(height, width) <= LARGEST_KEPT:
        reason = "every picture has this height and width"
        return (height, width), [Choice("size", [height, width], reason)]
    shorter = int(np.median([min(seen.height, seen.width) for seen in looks]))
    side = rounded_side(shorter)
    reason = (
        f"the shorter side has {shorter} pixels in the median; each picture is scaled to cover "
        "the square and cut around its centre"
    )
    return (side, side), [Choice("size", [side, side], reason)]
