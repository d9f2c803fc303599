"""Pictures as people hand them over: files, folders, Pillow's images, arrays of any layout."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import torch
from jaxtyping import UInt8
from PIL import Image
from torch import Tensor

from thalweg._core import formats
from thalweg._core.choices import Choice
from thalweg.data.images._image_files import SUFFIXES, explained, quiet, read_pixels, to_pixels
from thalweg.errors import DataError, DataNotFoundError, ShapeError

# Files that a message names; the others are counted.
MOST_NAMED = 5

ACCEPTED = (
    "a path, a folder, a Pillow image, a list of these, or an array (height, width), "
    "(height, width, 3), (examples, height, width), (examples, channels, height, width) or "
    "(examples, height, width, channels)"
)


def collect_pictures(
    given: Any, shape: tuple[int, int, int]
) -> tuple[UInt8[Tensor, "examples channels height width"], tuple[str, ...], list[Choice]]:
    """Return pictures in the wanted shape, a name for each, and what was mended.

    Args:
        given: One picture or many, in any of the forms of `ACCEPTED`.
        shape: Channels, height and width.

    Raises:
        DataError: A file cannot be read, or something else than pictures was given.
        ShapeError: An array does not have the axes of pictures.
    """
    channels, height, width = shape
    found: list[np.ndarray] = []
    names: list[str] = []
    mended: dict[str, list[str]] = {}
    failed: list[str] = []
    with quiet():
        for name, pixels, repairs in _walk(given, shape):
            if pixels is None:
                failed.append(f"{name} ({repairs[0]})")
                continue
            found.append(pixels)
            names.append(name or f"row {len(names)}")
            for repair in repairs:
                mended.setdefault(repair, []).append(names[-1])
    told = f"pictures that cannot be read: {named(failed)}"
    if not found:
        what = told if failed else "there are no pictures to read"
        raise DataError(f"{what}. Needed is {ACCEPTED}.")
    assert found[0].shape == (channels, height, width)
    repairs = [
        Choice("repaired", len(rows), f"{repair}: {named(rows)}")
        for repair, rows in sorted(mended.items())
    ]
    if failed:
        repairs.append(Choice("left out", len(failed), told))
    return torch.from_numpy(np.stack(found)), tuple(names), repairs


def as_pictures(
    values: np.ndarray, shape: tuple[int, int, int] | None = None
) -> UInt8[np.ndarray, "examples channels height width"]:
    """Return an array of bytes, or of numbers in [0, 1], with its axes in torch's order.

    Args:
        values: One picture or many.
        shape: Channels, height and width where they are known, to tell three grey pictures
            from one in colour.

    Raises:
        DataError: The values are neither bytes nor within [0, 1].
        ShapeError: The axes are not those of pictures.
    """
    values = _as_bytes(values)
    if values.ndim == 2:
        return values[None, None]
    if values.ndim == 3:
        if shape is not None and (values.shape == shape or (shape[0] == 3 == values.shape[0])):
            return values[None]
        if shape is not None and values.shape[2] == 1 != shape[2]:
            return values[None].transpose(0, 3, 1, 2)  # one grey picture (height, width, 1)
        is_colour = values.shape[2] == 3 and (shape is None or values.shape[1:] != shape[1:])
        return values[None].transpose(0, 3, 1, 2) if is_colour else values[:, None]
    if values.ndim == 4 and values.shape[1] in (1, 3):
        return values
    if values.ndim == 4 and values.shape[3] in (1, 3):
        return values.transpose(0, 3, 1, 2)
    raise ShapeError(f"pictures must be {ACCEPTED}, with 1 or 3 channels, got {values.shape}.")


def files_under(folder: Path, *, deep: bool = True) -> tuple[list[Path], list[Path]]:
    """Return the picture files under a folder, and the other files, in order of name.

    Hidden files are others. Links are followed, each folder once, so that a loop of links
    ends; hidden folders are passed over.

    Args:
        folder: Where to look.
        deep: Whether to look into its folders.

    Raises:
        DataError: A folder may not be looked into.
    """
    pictures: list[Path] = []
    others: list[Path] = []
    try:
        # A link back to where one came from would bring in the other classes.
        above = [Path(parent).stat() for parent in folder.resolve().parents]
        seen = {(about.st_dev, about.st_ino) for about in above}
        for place, folders, files in os.walk(folder, followlinks=True, onerror=refuse_folder):
            about = Path(place).stat()
            if (about.st_dev, about.st_ino) in seen:
                folders.clear()
                continue
            seen.add((about.st_dev, about.st_ino))
            folders[:] = sorted(name for name in folders if name[0] != ".") if deep else []
            for name in sorted(files):
                path = Path(place, name)
                is_picture = name[0] != "." and path.suffix.lower() in SUFFIXES and path.is_file()
                (pictures if is_picture else others).append(path)
    except OSError as error:
        refuse_folder(error)
    return pictures, others


def refuse_folder(error: OSError) -> NoReturn:
    """Turn the system's error about a folder into ours.

    Raises:
        DataError: Always.
    """
    raise DataError(
        f"cannot look into {formats.plain(readable(error.filename))}: {error.strerror}. "
        "Make it readable, or move it away."
    ) from error


def readable(path: Path | str) -> str:
    """Return a path as text that can be stored, whatever bytes the file system holds."""
    return os.fsencode(path).decode(errors="replace")


def named(names: Sequence[str]) -> str:
    """Return the first few names, and how many more there are.

    Example:
        >>> named(["a", "b", "c", "d", "e", "f", "g"])
        'a, b, c, d, e and 2 more'
    """
    shown = ", ".join(formats.plain(name, 60) for name in names[:MOST_NAMED])
    more = len(names) - MOST_NAMED
    return f"{shown} and {formats.count(more)} more" if more > 0 else shown


def _walk(
    given: Any, shape: tuple[int, int, int]
) -> Iterator[tuple[str | None, np.ndarray | None, list[str]]]:
    """Yield every picture with its name, None where it has none, and what was done to it.

    In place of one in a folder that cannot be read comes None, with the reason.
    """
    channels, height, width = shape
    if isinstance(given, (str, Path)):
        path = Path(given)
        if not path.is_dir():
            yield readable(path), *_read(path, shape)
            return
        for file in files_under(path)[0]:
            name = readable(file.relative_to(path))
            try:
                yield name, *_read(file, shape)
            except DataError as error:  # Nobody named this one: the others are told all the same.
                yield name, None, [str(error.__cause__)]
    elif isinstance(given, Image.Image):
        try:
            with explained():
                pixels, repairs = to_pixels(given, (height, width), channels)
        except DataError as error:
            raise DataError(f"cannot read the Pillow image: {error}.") from error
        yield None, pixels, repairs
    elif isinstance(given, (np.ndarray, Tensor)):
        values = given.detach().cpu().numpy() if isinstance(given, Tensor) else given
        for pixels in as_pictures(values, shape):
            yield None, *_fitted(pixels, shape)
    elif isinstance(given, (list, tuple)):
        for one in given:
            yield from _walk(one, shape)
    else:
        raise DataError(f"needed is {ACCEPTED}; got {type(given).__name__}.")


def _read(path: Path, shape: tuple[int, int, int]) -> tuple[np.ndarray, list[str]]:
    channels, height, width = shape
    try:
        return read_pixels(path, (height, width), channels)
    except DataError as error:
        kind = DataNotFoundError if not path.exists() else DataError
        raise kind(
            f"cannot read the picture {formats.plain(readable(path))}: {error}. "
            "Leave it out, or replace it."
        ) from error


def _fitted(pixels: np.ndarray, shape: tuple[int, int, int]) -> tuple[np.ndarray, list[str]]:
    """Return one picture (channels, height, width) in the wanted shape, and how it got there."""
    if pixels.shape == shape:
        return pixels, []
    repairs = []
    if pixels.shape[0] != shape[0]:
        repairs.append("grey taken as colour" if shape[0] == 3 else "colour turned into grey")
    if pixels.shape[1:] != shape[1:]:
        repairs.append(f"scaled to cover {shape[1]}×{shape[2]} pixels and cut around the centre")
    channels, height, width = shape
    hwc = np.ascontiguousarray(pixels.transpose(1, 2, 0))
    image = Image.fromarray(hwc[:, :, 0] if hwc.shape[2] == 1 else hwc)
    return to_pixels(image, (height, width), channels)[0], repairs


def _as_bytes(values: np.ndarray) -> np.ndarray:
    if values.dtype == np.uint8:
        return values
    if values.dtype.kind == "f" and values.size and values.min() >= 0 and values.max() <= 1:
        return np.round(values * 255).astype(np.uint8)
    raise DataError(
        f"pictures must be uint8 from 0 to 255 or floating-point from 0 to 1, got {values.dtype}"
        + (f" from {values.min()} to {values.max()}." if values.size else ".")
        + " Bytes of another type become some with .astype('uint8')."
    )
