"""What is known of each picture, so that it need not be looked at again."""

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np
import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor

from thalweg.data._duplicates import MOST_EXAMPLES
from thalweg.data._rows import Rows
from thalweg.data.images.augmentation._crop import centre

# Near duplicates are looked for on thumbnails: fine enough to tell two scenes apart, coarse
# enough that JPEG's blocks and the filter of a resize average out.
THUMBNAIL = 16
# Pictures turned into floating point at once: 64 of 224×224 in colour take 37 MiB.
CHUNK = 64
DIGEST = 16


@dataclass(frozen=True)
class Facts:
    """Of each picture: what tells it from others, what it looks like, how bright it is."""

    digests: UInt8[np.ndarray, "pictures bytes"]
    """Equal for pictures that are equal in every pixel."""
    sums: Int[np.ndarray, "pictures channels 2"]
    """Sums of the grey levels, and of their squares, of what the network gets."""
    thumbnails: Float[np.ndarray, "pictures features"]
    """Grey thumbnails, then each channel's distance from grey; no features where there are too
    many pictures to be compared."""

    def select(self, rows: Int[np.ndarray, " rows"]) -> "Facts":
        """Return what is known of some of the pictures."""
        return Facts(self.digests[rows], self.sums[rows], self.thumbnails[rows])

    @classmethod
    def of(
        cls,
        values: UInt8[Tensor, "pictures channels height width"] | Rows,
        size: tuple[int, int],
        seen: Callable[[UInt8[Tensor, "chunk channels height width"]], None] | None = None,
    ) -> "Facts":
        """Look at all pictures once, a few at a time.

        Args:
            values: The pictures.
            size: Height and width of the centre that the network gets.
            seen: Is given each chunk in turn.
        """
        channels = values.shape[1]
        # Empty ones first, so that there is something to join where there are no pictures.
        digests = [np.zeros((0, DIGEST), dtype=np.uint8)]
        sums = [np.zeros((0, channels, 2), dtype=np.int64)]
        thumbnails = [_thumbnails(torch.zeros(1, *values.shape[1:]), len(values))[:0]]
        for chunk in values.split(CHUNK):
            if seen is not None:
                seen(chunk)
            digests.append(_digests(chunk))
            sums.append(_sums(centre(chunk, size)))
            thumbnails.append(_thumbnails(chunk.float(), len(values)))
        return cls(np.concatenate(digests), np.concatenate(sums), np.concatenate(thumbnails))


def moments(sums: Int[np.ndarray, "pictures channels 2"], pixels: int) -> tuple[list[float], ...]:
    """Return mean and standard deviation of each channel, where black is 0 and white is 1.

    Whole numbers are added, so that a channel that never varies has a deviation of exactly zero.

    Args:
        sums: Of each picture.
        pixels: Of each picture, in one channel.
    """
    number = len(sums) * pixels
    totals = sums.astype(object).sum(axis=0).tolist()  # Python's numbers, which never overflow
    mean = [first / (255 * number) for first, _ in totals]
    variance = [(number * second - first**2) / (255 * number) ** 2 for first, second in totals]
    return mean, [each**0.5 for each in variance]


def _digests(chunk: UInt8[Tensor, "chunk ..."]) -> UInt8[np.ndarray, "chunk bytes"]:
    pictures = chunk.contiguous().numpy()
    found = b"".join(blake2b(picture, digest_size=DIGEST).digest() for picture in pictures)
    return np.frombuffer(found, dtype=np.uint8).reshape(-1, DIGEST)


def _sums(chunk: UInt8[Tensor, "chunk channels height width"]) -> Int[np.ndarray, "chunk c 2"]:
    levels = chunk.flatten(2).int()
    both = torch.stack([levels.sum(dim=2), levels.square().sum(dim=2)], dim=2)
    return both.numpy()


def _thumbnails(
    pixels: Float[Tensor, "chunk channels height width"], pictures: int
) -> Float[np.ndarray, "chunk features"]:
    """Return grey thumbnails, then each channel's distance from grey, weighing as much."""
    if pictures > MOST_EXAMPLES:
        return np.zeros((len(pixels), 0), dtype=np.float32)
    grey = pixels.mean(dim=1)
    height, width = (min(length, THUMBNAIL) for length in grey.shape[1:])
    small = torch.nn.functional.adaptive_avg_pool2d(grey, (height, width)).flatten(1)
    if pixels.shape[1] == 1:
        return small.numpy()
    tint = (pixels - grey[:, None]).mean(dim=(2, 3))
    weighted = tint * (small.shape[1] / tint.shape[1]) ** 0.5
    return torch.cat([small, weighted], dim=1).numpy()
