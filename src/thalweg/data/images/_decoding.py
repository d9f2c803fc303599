"""Many picture files as one set of pictures, in memory or in the cache."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import numpy as np
import torch
from jaxtyping import Int

from thalweg._core import formats, memory
from thalweg._core.choices import Choice
from thalweg.data.images._image_files import quiet
from thalweg.data.images._images import ImageInputs
from thalweg.data.images._plan import Plan, rounded_side
from thalweg.data.images._reading import Files
from thalweg.data.images._wanted import Wanted
from thalweg.data.images.cache._draft import UnavailableError
from thalweg.data.images.cache._entry import Entry
from thalweg.data.images.cache._folder import VARIABLE
from thalweg.data.images.cache._shelf import Shelf
from thalweg.errors import DataError

# Every pixel is there twice for a moment, when the parts are cut out of the whole.
MEMORY_SHARE = 0.5
# Fewer pixels than these are decoded in the twentieth part of a second.
WORTH_KEEPING = 2**21


@dataclass(frozen=True)
class Decoded:
    """Pictures that could be read."""

    inputs: ImageInputs
    kept: Int[np.ndarray, " examples"]
    """The position of each among the files that were named."""
    choices: list[Choice]


def decode(paths: Sequence[Path], names: Sequence[str], wanted: Wanted, origin: str) -> Decoded:
    """Read picture files, all to one size, or take them from the cache.

    Args:
        paths: The files.
        names: What messages call them.
        wanted: How they are to be read.
        origin: The folder or table that names them; its cache is made anew when they change.

    Raises:
        DataError: More than half cannot be read, or they would fit nowhere.
    """
    if not paths:
        raise DataError("there must be pictures to read, got none.")
    files = Files(paths, names)
    with quiet():
        shelf, problem = _shelf(files, wanted, origin)
        if shelf is not None and (entry := shelf.find()) is not None:
            return _kept(entry, "decoded earlier, no file has changed since", wanted)
        plan = Plan.of(files, wanted)
        needed, limit = len(files) * plan.bytes_each, MEMORY_SHARE * memory.available()
        is_kept = bool(wanted.cache) or needed > limit or plan.pixels >= WORTH_KEEPING
        if shelf is not None and is_kept:
            try:
                return _kept(*shelf.make(plan), wanted)
            except UnavailableError as error:
                problem = str(error)
        if needed > limit:
            _refuse(plan, limit, problem)
        decoded = _in_memory(plan, wanted)
    if problem is not None and is_kept:
        reason = f"{problem}; the pictures are kept in memory, and decoded anew each time"
        decoded.choices.append(Choice("cache", "none", reason))
    return decoded


def _shelf(files: Files, wanted: Wanted, origin: str) -> tuple[Shelf | None, str | None]:
    """Return the place of these pictures in the cache; None if they have none, and why."""
    if wanted.cache is False:
        return None, None
    try:
        return Shelf(files, wanted, origin), None
    except UnavailableError as error:
        return None, str(error)


def _kept(entry: Entry, reason: str, wanted: Wanted) -> Decoded:
    """Return what the cache holds."""
    pictures, about = entry.pictures, entry.about
    inputs = ImageInputs(
        pictures, size=about.size, standardize=wanted.standardize, facts=entry.facts
    )
    size = formats.size(pictures.nbytes)
    choices = [*about.choices, Choice("cache", size, f"{reason}, in {entry.path}")]
    if pictures.stays:
        reason = f"{size} are more than half of the memory available: batches are read from disk"
        choices.append(Choice("pictures", "on disk", reason))
    return Decoded(inputs, entry.kept, choices)


def _in_memory(plan: Plan, wanted: Wanted) -> Decoded:
    values = np.empty((len(plan.files), *plan.shape), dtype=np.uint8)
    repaired = plan.files.decode(plan.rows, plan.shape, values.__setitem__, plan.failed)
    kept = np.array(sorted(repaired), dtype=int)
    pixels = torch.from_numpy(values if len(kept) == len(values) else values[kept])
    if plan.is_grey(pixels, wanted):
        pixels = pixels[:, :1].contiguous()
    inputs = ImageInputs(pixels, size=plan.size, standardize=wanted.standardize)
    return Decoded(inputs, kept, plan.told(wanted, pixels.shape[1], repaired))


def _refuse(plan: Plan, limit: float, problem: str | None) -> NoReturn:
    """Say that pictures fit neither into the memory nor into the cache.

    Raises:
        DataError: Always.
    """
    channels, height, width = plan.shape
    number = len(plan.files)
    side = max(int(math.sqrt(limit / (number * channels))), 1)
    raise DataError(
        f"{formats.count(number)} pictures of {height}×{width} pixels in {channels} channels "
        f"need {formats.size(number * plan.bytes_each)}, more than half of the "
        f"{formats.size(2 * limit)} of memory available, and there is no cache for them: "
        f"{problem or 'cache=False'}. Pass size={rounded_side(side)} or smaller, or "
        f"set {VARIABLE} to a folder with room."
    )
