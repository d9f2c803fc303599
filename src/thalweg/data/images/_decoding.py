"""Many picture files as one tensor: their size, the memory it takes, and what was left out."""

import math
import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from jaxtyping import Int, UInt8
from torch import Tensor

from thalweg._core import formats, memory
from thalweg._core.choices import Choice
from thalweg.data.images._facts import CHUNK
from thalweg.data.images._image_files import Look, look, quiet, read_pixels
from thalweg.data.images._pictures import named
from thalweg.errors import DataError, SettingError

T = TypeVar("T")

# Pictures that are all of one size up to this are taken as they are.
LARGEST_KEPT = 256
# What networks for photographs are commonly trained on; beyond it the cost grows faster than
# the accuracy.
LARGEST_CHOSEN = 224
# Networks halve their input up to five times, and 2⁵ = 32; small pictures take three halvings.
MULTIPLES = ((64, 32), (16, 8), (1, 1))
# Each thread holds a decoded picture, a quarter of a gibibyte at worst.
MOST_THREADS = 8
# Every pixel is there twice for a moment, when the parts are cut out of the whole.
MEMORY_SHARE = 0.5

Size = int | tuple[int, int] | list[int]


@dataclass(frozen=True)
class Decoded:
    """Pictures that could be read."""

    values: UInt8[Tensor, "examples channels height width"]
    kept: Int[np.ndarray, " examples"]
    """The position of each among the files that were named."""
    choices: list[Choice]


def decode(
    paths: Sequence[Path], names: Sequence[str], size: Size | None, channels: int | None
) -> Decoded:
    """Read picture files, all to one size.

    Args:
        paths: The files.
        names: What messages call them.
        size: Side, or height and width, in pixels. By default it is chosen.
        channels: 1 for grey, 3 for colour. By default grey if all pictures are.

    Raises:
        DataError: More than half cannot be read, or they would not fit into memory.
        SettingError: The size or the channels make no sense.
    """
    if not paths:
        raise DataError("there must be pictures to read, got none.")
    wanted = None if size is None else _checked_size(size)
    if channels not in (None, 1, 3):
        raise SettingError(f"channels must be 1 (grey) or 3 (colour), got {channels!r}.")
    with quiet():
        looks, unreadable = _each(lambda row: look(paths[row]), range(len(paths)))
        _refuse_most_unreadable(unreadable, names)
        shape, choices = _choose(list(looks.values()), wanted, channels)
        _refuse_too_large(len(looks), shape)
        values = np.empty((len(paths), *shape), dtype=np.uint8)

        def fill(row: int) -> list[str]:
            values[row], repairs = read_pixels(paths[row], shape[1:], shape[0])
            return repairs

        repaired, damaged = _each(fill, looks)
    unreadable |= damaged
    _refuse_most_unreadable(unreadable, names)
    kept = np.array(sorted(repaired), dtype=int)
    pixels = torch.from_numpy(values if len(kept) == len(values) else values[kept])
    if channels is None and shape[0] == 3 and _is_grey(pixels):
        pixels = pixels[:, :1].contiguous()
        choices.append(Choice("channels", 1, "every picture is grey"))
    elif channels is None:
        reason = "every picture is grey" if shape[0] == 1 else "there are pictures in colour"
        choices.append(Choice("channels", shape[0], reason))
    return Decoded(pixels, kept, choices + _told(unreadable, repaired, names))


def _each(read: Callable[[int], T], rows: Iterable[int]) -> tuple[dict[int, T], dict[int, str]]:
    """Return what `read` gives for each row, and for the others why it could not."""
    done: dict[int, T] = {}
    failed: dict[int, str] = {}

    def attempt(row: int) -> None:
        try:
            done[row] = read(row)
        except DataError as error:
            failed[row] = str(error)

    with ThreadPoolExecutor(min(MOST_THREADS, os.cpu_count() or 1)) as pool:
        list(pool.map(attempt, rows))
    return done, failed


def _choose(
    looks: Sequence[Look], wanted: tuple[int, int] | None, channels: int | None
) -> tuple[tuple[int, int, int], list[Choice]]:
    """Return channels, height and width, and why."""
    if channels is None:
        channels = 1 if all(seen.is_grey for seen in looks) else 3
    if wanted is not None:
        return (channels, *wanted), []
    height, width = looks[0].height, looks[0].width
    is_one_size = all((seen.height, seen.width) == (height, width) for seen in looks)
    if is_one_size and max(height, width) <= LARGEST_KEPT:
        reason = "every picture has this height and width"
        return (channels, height, width), [Choice("size", [height, width], reason)]
    shorter = int(np.median([min(seen.height, seen.width) for seen in looks]))
    side = rounded_side(shorter)
    reason = (
        f"the shorter side has {shorter} pixels in the median; each picture is scaled to cover "
        "the square and cut around its centre"
    )
    return (channels, side, side), [Choice("size", [side, side], reason)]


def rounded_side(pixels: float) -> int:
    """Return a side at most that long that networks can halve, and at most 224.

    Example:
        >>> [rounded_side(pixels) for pixels in (3000, 100, 50, 7)]
        [224, 96, 48, 7]
    """
    multiple = next(step for least, step in MULTIPLES if pixels >= least)
    return min(int(pixels) // multiple * multiple, LARGEST_CHOSEN)


def _checked_size(size: Any) -> tuple[int, int]:
    pair = list(size) if isinstance(size, (tuple, list)) else [size, size]
    if len(pair) != 2 or not all(type(side) is int and side > 0 for side in pair):
        raise SettingError(
            f"size must be a side in pixels, such as 64, or (height, width), got {size!r}."
        )
    return pair[0], pair[1]


def _refuse_too_large(number: int, shape: tuple[int, int, int]) -> None:
    channels, height, width = shape
    needed = number * math.prod(shape)
    limit = MEMORY_SHARE * memory.available()
    if needed > limit:
        side = max(int(math.sqrt(limit / (number * channels))), 1)
        raise DataError(
            f"{formats.count(number)} pictures of {height}×{width} pixels in {channels} channels "
            f"need {formats.size(needed)}, more than half of the {formats.size(2 * limit)} of "
            f"memory available. Pass size={rounded_side(side)} or smaller."
        )


def _refuse_most_unreadable(unreadable: dict[int, str], names: Sequence[str]) -> None:
    if 2 * len(unreadable) > len(names):
        told = named([f"{names[row]} ({reason})" for row, reason in sorted(unreadable.items())])
        raise DataError(
            f"{formats.count(len(unreadable))} of {formats.count(len(names))} pictures cannot be "
            f"read: {told}. Check that these are the right files."
        )


def _is_grey(values: UInt8[Tensor, "examples 3 height width"]) -> bool:
    return all(bool((chunk == chunk[:, :1]).all()) for chunk in values.split(CHUNK))


def _told(
    unreadable: dict[int, str], repaired: dict[int, list[str]], names: Sequence[str]
) -> list[Choice]:
    """Return what was left out and what was mended, with the names of files."""
    choices = []
    if unreadable:
        told = named([f"{names[row]} ({reason})" for row, reason in sorted(unreadable.items())])
        choices.append(Choice("left out", len(unreadable), f"pictures that cannot be read: {told}"))
    for repair in sorted({repair for repairs in repaired.values() for repair in repairs}):
        mended = [names[row] for row, repairs in sorted(repaired.items()) if repair in repairs]
        choices.append(Choice("repaired", len(mended), f"{repair}: {named(mended)}"))
    return choices
