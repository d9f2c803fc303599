"""Many picture files looked at and decoded, by threads, each file in its turn."""

import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
from jaxtyping import UInt8

from thalweg._core import formats
from thalweg._core.choices import Choice
from thalweg._core.progress import counting
from thalweg.data.images._image_files import Look, look, read_pixels
from thalweg.data.images._pictures import named
from thalweg.errors import DataError

T = TypeVar("T")

# Each thread holds a decoded picture, a quarter of a gibibyte at worst.
MOST_THREADS = 8


@dataclass(frozen=True)
class Files:
    """Picture files, and what messages call them."""

    paths: Sequence[Path]
    names: Sequence[str]

    def __len__(self) -> int:
        return len(self.paths)

    def looks(self) -> tuple[dict[int, Look], dict[int, str]]:
        """Return what each header says, and why the others cannot be read.

        Raises:
            DataError: More than half cannot be read.
        """
        rows = range(len(self))
        found, failed = _each(lambda row: look(self.paths[row]), rows, "looking at pictures")
        self._refuse_most(failed)
        return found, failed

    def decode(
        self,
        rows: Iterable[int],
        shape: tuple[int, int, int],
        put: Callable[[int, UInt8[np.ndarray, "channels height width"]], None],
        failed: dict[int, str],
    ) -> dict[int, list[str]]:
        """Decode some of the files, and return what was done to each on the way.

        Args:
            rows: Positions of the files.
            shape: Channels, height and width of each picture.
            put: Takes a position and its pixels, from any thread.
            failed: Gets the reasons why files cannot be read.

        Raises:
            DataError: More than half cannot be read.
        """

        def fill(row: int) -> list[str]:
            pixels, repairs = read_pixels(self.paths[row], shape[1:], shape[0])
            put(row, pixels)
            return repairs

        repaired, damaged = _each(fill, rows, "decoding pictures")
        failed |= damaged
        self._refuse_most(failed)
        return repaired

    def told(self, failed: dict[int, str], repaired: dict[int, list[str]]) -> list[Choice]:
        """Return what was left out and what was mended, with the names of files."""
        choices = []
        if failed:
            reason = f"pictures that cannot be read: {self._named(failed)}"
            choices.append(Choice("left out", len(failed), reason))
        for repair in sorted({repair for repairs in repaired.values() for repair in repairs}):
            rows = [row for row, repairs in sorted(repaired.items()) if repair in repairs]
            mended = named([self.names[row] for row in rows])
            choices.append(Choice("repaired", len(rows), f"{repair}: {mended}"))
        return choices

    def _refuse_most(self, failed: dict[int, str]) -> None:
        if 2 * len(failed) > len(self):
            raise DataError(
                f"{formats.count(len(failed))} of {formats.count(len(self))} pictures cannot be "
                f"read: {self._named(failed)}. Check that these are the right files."
            )

    def _named(self, failed: dict[int, str]) -> str:
        return named([f"{self.names[row]} ({reason})" for row, reason in sorted(failed.items())])


def _each(
    read: Callable[[int], T], rows: Iterable[int], what: str
) -> tuple[dict[int, T], dict[int, str]]:
    """Return what `read` gives for each row, and for the others why it could not."""
    done: dict[int, T] = {}
    failed: dict[int, str] = {}
    rows = list(rows)

    with (
        counting(what, len(rows)) as count,
        ThreadPoolExecutor(min(MOST_THREADS, os.cpu_count() or 1)) as pool,
    ):

        def attempt(row: int) -> None:
            try:
                done[row] = read(row)
            except DataError as error:
                failed[row] = str(error)
            count()

        try:
            for _ in pool.map(attempt, rows):
                pass
        finally:
            # Whoever interrupts need not wait for the pictures that are left.
            pool.shutdown(wait=False, cancel_futures=True)
    return done, failed
