"""One file of the cache: decoded pictures, what is known of each, and what they were made of.

It is a safetensors file, so that anybody can open it. The pixels come first and at a page's border,
to be mapped; then what is known of the pictures; last a text about the whole, with checksums.
"""

import json
import os
import stat
import zlib
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import torch
from jaxtyping import Int

from thalweg._core import memory
from thalweg._core.choices import Choice
from thalweg._core.plain_data import rebuilt
from thalweg.data._rows import Rows
from thalweg.data.images._facts import CHUNK, DIGEST, Facts
from thalweg.data.images.cache._sources import SourceFiles

# Of the layout and of how pictures are decoded: another number, and files are made anew.
VERSION = 1
# The header and what fills it up to a page.
HEADER = 4096
# Of the memory available; more pictures stay on disk.
MEMORY_SHARE = 0.5
# In the header, the CRC-32 of the text.
NOTE = "CRC-32 of about"
ARRAYS = ("kept", "names", "states", "digests", "sums", "thumbnails")


class DamagedError(Exception):
    """A file is not what was written, or was written by another version: why, in a few words."""


@dataclass(frozen=True)
class About:
    """The text at the end of a file."""

    version: int
    pillow: str
    """The version that decoded the pictures."""
    origin: str
    """The folder or table that names them."""
    shape: tuple[int, ...]
    """Pictures, channels, height and width."""
    size: tuple[int, int]
    """Height and width of the centre that the network gets."""
    choices: list[Choice]
    checks: dict[str, list[int]]
    """CRC-32 of each array, and of each `CHUNK` pictures."""


@dataclass(frozen=True)
class Entry:
    """What a file holds."""

    path: Path
    about: About
    sources: SourceFiles
    kept: Int[np.ndarray, " pictures"]
    """Positions of the pictures among the files."""
    facts: Facts
    pictures: Rows
    """The pixels; they stay on disk where they are too many for the memory."""

    @classmethod
    def open(cls, path: Path) -> Self:
        """Map a file and check everything but its pixels.

        Raises:
            DamagedError: It is cut short, altered, or of another version.
            FileNotFoundError: There is none.
        """
        from safetensors import SafetensorError, safe_open

        try:
            if not stat.S_ISREG(path.lstat().st_mode):  # A pipe would be waited for.
                raise DamagedError("it is no file")
            with safe_open(path, framework="np") as file:
                arrays = {name: file.get_tensor(name) for name in (*ARRAYS, "about")}
                shape = tuple(file.get_slice("pixels").get_shape())
                noted = (file.metadata() or {})[NOTE]
            text = arrays.pop("about")
            if noted != str(checksum(text)):
                raise DamagedError("its checksum of the text is another one")
            about = rebuilt(About, json.loads(text.tobytes()))
            if about.version != VERSION:
                raise DamagedError("it was made by another version")
            if about.shape != shape or {*about.checks} != {"pixels", *ARRAYS}:
                raise DamagedError("its shape is another one")
            for name, array in arrays.items():
                if about.checks[name] != [checksum(array)]:
                    raise DamagedError(f"its checksum of {name} is another one")
            _check_lengths(arrays, shape, about.size)
            # Where somebody writes to it, a copy is made: torch wants no read-only memory.
            pixels = np.memmap(path, np.uint8, mode="c", offset=HEADER, shape=shape)
        except FileNotFoundError:
            raise
        except (OSError, SafetensorError, ValueError, TypeError, KeyError) as error:
            raise DamagedError("it is cut short or altered") from error
        kept, names, states, digests, sums, thumbnails = (arrays[name] for name in ARRAYS)
        stays = pixels.nbytes > MEMORY_SHARE * memory.available()
        return cls(
            path,
            about,
            SourceFiles(names, states),
            kept,
            Facts(digests, sums, thumbnails),
            Rows(torch.from_numpy(pixels), stays=stays),
        )

    def touch(self) -> None:
        """Note that it was used now; what was not for the longest time is removed first."""
        with suppress(OSError):  # Somebody else's cache, which we may only read.
            os.utime(self.path)

    def check_pixels(self) -> None:
        """Read all pixels once and compare their checksums.

        Raises:
            DamagedError: Some are not those that were written.
        """
        found = [checksum(chunk.numpy()) for chunk in self.pictures.split(CHUNK)]
        if found != self.about.checks["pixels"]:
            raise DamagedError("the checksum of its pixels is another one")


def _check_lengths(
    arrays: dict[str, np.ndarray], shape: tuple[int, ...], size: tuple[int, int]
) -> None:
    """Refuse arrays of which one knows of other pictures or files than the others.

    Raises:
        DamagedError: One does.
    """
    pictures, channels, height, width = shape
    kept, files = arrays["kept"], len(arrays["names"])
    is_sound = (
        arrays["digests"].shape == (pictures, DIGEST)
        and arrays["sums"].shape == (pictures, channels, 2)
        and arrays["thumbnails"].shape[:1] == kept.shape == (pictures,)
        and arrays["states"].shape == arrays["names"].shape == (files,)
        and 0 < size[0] <= height
        and 0 < size[1] <= width
        and (pictures == 0 or 0 <= kept.min() <= kept.max() < files)
    )
    if not is_sound:
        raise DamagedError("its lengths are other ones")


def checksum(array: np.ndarray) -> int:
    """Return the CRC-32 of the bytes of an array."""
    return zlib.crc32(np.ascontiguousarray(array).data)
