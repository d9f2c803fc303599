"""A file of the cache in the making: beside its place, and read by nobody before it is whole."""

import errno
import json
import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Int, UInt8
from torch import Tensor

from thalweg._core import formats
from thalweg._core.files import flush_folder
from thalweg.data.images._facts import CHUNK
from thalweg.data.images.cache._entry import HEADER, NOTE, About, checksum

_TYPES = {"uint8": "U8", "int64": "I64", "uint64": "U64", "float32": "F32"}


class UnavailableError(Exception):
    """Nothing can be kept there: why, in a few words."""


@contextmanager
def unavailable(path: Path) -> Iterator[None]:
    """Turn the system's errors about writing into ours.

    Raises:
        UnavailableError: In place of any OSError.
    """
    try:
        yield
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            reason = "the disk is full"
        raise UnavailableError(f"cannot write {formats.plain(path)}: {reason}") from error


@contextmanager
def drafted(path: Path, pictures: int, shape: tuple[int, int, int]) -> "Iterator[Draft]":
    """Begin a file, and leave nothing of it unless it was finished.

    Args:
        path: Where it will be.
        pictures: How many may come.
        shape: Channels, height and width.

    Raises:
        UnavailableError: The disk is full, or not ours to write to.
    """
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    with unavailable(path):
        # A link of that name, laid there by somebody else, is removed and never followed.
        partial.unlink(missing_ok=True)
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        handle = os.open(partial, flags, 0o600)
    length = HEADER + pictures * math.prod(shape)
    try:
        with unavailable(path):
            # Room is taken now, so that a full disk is found before the work and not after it.
            os.posix_fallocate(handle, 0, length)
            os.ftruncate(handle, length)
        yield Draft(path, partial, handle, pictures, shape)
    finally:
        os.close(handle)
        partial.unlink(missing_ok=True)


class Draft:
    """An open file to which pictures are written in any order. Made by `drafted`."""

    def __init__(
        self, path: Path, partial: Path, handle: int, pictures: int, shape: tuple[int, int, int]
    ) -> None:
        self.path = path
        self.partial = partial
        self.handle = handle
        self.pictures = pictures
        self.shape = shape

    def put(self, row: int, pixels: UInt8[np.ndarray, "channels height width"]) -> None:
        """Write one picture; threads may do so at once."""
        assert pixels.shape == self.shape
        self._write(pixels, HEADER + row * math.prod(self.shape))

    def values(self) -> UInt8[Tensor, "pictures channels height width"]:
        """Return all pictures as they are now, mapped. Nothing may be written to them."""
        shape = (self.pictures, *self.shape)
        # A private map, which torch takes without a warning, still shows what the file gets.
        pixels = np.memmap(self.partial, np.uint8, mode="c", offset=HEADER, shape=shape)
        return torch.from_numpy(pixels)

    def keep(self, rows: Int[np.ndarray, " kept"], channels: int) -> None:
        """Keep some of the pictures, in ascending order, and their first channels."""
        if len(rows) == self.pictures and channels == self.shape[0]:
            return
        before, shape = self.values(), (channels, *self.shape[1:])
        for start in range(0, len(rows), CHUNK):
            chunk = before[torch.from_numpy(rows[start : start + CHUNK])]  # a copy
            # What is written lies before what is read next, since it is never longer.
            place = HEADER + start * math.prod(shape)
            self._write(chunk[:, :channels].numpy(), place)
        self.pictures, self.shape = len(rows), shape

    def finish(self, about: About, arrays: dict[str, np.ndarray]) -> None:
        """Write what is known of the pictures, flush the whole, and put it in its place."""
        end = self.pictures * math.prod(self.shape)
        parts = {
            # Numbers of eight bytes begin at multiples of eight.
            "padding": np.zeros(-end % 8, dtype=np.uint8),
            **arrays,
            "about": np.frombuffer(json.dumps(asdict(about)).encode(), dtype=np.uint8),
        }
        shape = [self.pictures, *self.shape]
        header: dict[str, Any] = {
            "__metadata__": {NOTE: str(checksum(parts["about"]))},
            "pixels": {"dtype": "U8", "shape": shape, "data_offsets": [0, end]},
        }
        for name, array in parts.items():
            begin, end = end, end + array.nbytes
            offsets = {"shape": list(array.shape), "data_offsets": [begin, end]}
            header[name] = {"dtype": _TYPES[array.dtype.name], **offsets}
            self._write(array, HEADER + begin)
        text = json.dumps(header).encode().ljust(HEADER - 8)
        page = len(text).to_bytes(8, "little") + text
        self._write(np.frombuffer(page, dtype=np.uint8), 0)
        with unavailable(self.path):
            os.ftruncate(self.handle, HEADER + end)
            # Trainings map it for hours, and one that is shortened beneath them would end them by a
            # signal: it is replaced by another file or removed, and never written to again.
            os.fchmod(self.handle, 0o400)
            os.fsync(self.handle)
            self.partial.replace(self.path)
            flush_folder(self.path.parent)

    def _write(self, content: np.ndarray, place: int) -> None:
        if content.size == 0:  # Python casts no empty memory.
            return
        view = np.ascontiguousarray(content).data.cast("B")
        with unavailable(self.path):
            while view:
                written = os.pwrite(self.handle, view, place)
                view, place = view[written:], place + written
