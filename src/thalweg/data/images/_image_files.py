"""One picture file, opened safely and turned into pixels.

A picture comes from anywhere, so that nothing of it is believed: only known formats are
tried, its size is looked at before memory is taken, and whatever a damaged file makes the
decoder do ends in one short reason.
"""

import struct
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageOps, UnidentifiedImageError

from thalweg._core import formats
from thalweg.errors import DataError

# Decoders that Pillow maintains in full; it has some forty more, old and seldom tested.
FORMATS = ("JPEG", "PNG", "GIF", "BMP", "WEBP", "TIFF")
SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".gif", ".bmp", ".dib", ".webp", ".tif", ".tiff"}
)
# Pillow's own threshold of suspicion: a quarter of a gibibyte in three channels.
MOST_PIXELS = 2**30 // 4 // 3
# No camera has rows as long as this; half of what the JPEG format can express.
LONGEST_SIDE = 2**15

GREY_MODES = frozenset({"1", "L", "LA", "I", "I;16", "I;16B", "I;16L", "I;16N"})
_TRANSPOSES = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_ORIENTATION = 0x0112
# What Pillow's decoders raise on damaged files, beside OSError.
_DAMAGE = (
    SyntaxError,
    ValueError,
    TypeError,
    LookupError,
    ArithmeticError,
    AttributeError,
    EOFError,
    struct.error,
    zlib.error,
)


@dataclass(frozen=True)
class Look:
    """What a picture's header says."""

    height: int
    width: int
    is_grey: bool


@contextmanager
def explained() -> Iterator[None]:
    """Turn whatever a decoder raises in the block into a `DataError`.

    Raises:
        DataError: Why a picture cannot be read: a few words to which the caller adds the name.
    """
    try:
        yield
    except DataError:
        raise
    except Image.DecompressionBombError:
        raise DataError(f"more than {formats.count(2 * MOST_PIXELS)} pixels") from None
    except MemoryError:
        raise DataError("more memory than there is") from None
    except OSError as error:
        raise DataError(_short(error.strerror or error)) from error
    except _DAMAGE as error:
        raise DataError(_short(error)) from error


@contextmanager
def opened(path: Path) -> Iterator[Image.Image]:
    """Open one picture, not yet decoded.

    Raises:
        DataError: Why it cannot be read, there or while it is decoded in the block, in a few
            words.
    """
    with explained():
        if not path.is_file():
            # A pipe or a device would block or never end.
            raise DataError("not a file" if path.exists() else "no such file")
        try:
            image = Image.open(path, formats=FORMATS)
        except UnidentifiedImageError:
            raise DataError(_what_else(path)) from None
        with image:
            if max(image.size) > LONGEST_SIDE or image.width * image.height > MOST_PIXELS:
                raise DataError(f"{image.width}×{image.height} pixels, which is too large")
            yield image


@contextmanager
def quiet() -> Iterator[None]:
    """Silence Pillow's warnings about odd files, in every thread, while many are read."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def look(path: Path) -> Look:
    """Return what the header says, upright, without decoding the picture.

    Raises:
        DataError: Why it cannot be read, in a few words.
    """
    with opened(path) as image:
        width, height = image.size
        # Pillow turns TIFF by itself, and asking a PNG without the mark would decode it whole.
        is_marked = image.format != "TIFF" and (image.format != "PNG" or "exif" in image.info)
        if is_marked and orientation(image) >= 5:
            width, height = height, width
        return Look(height, width, image.mode in GREY_MODES)


def read_pixels(
    path: Path, size: tuple[int, int], channels: int
) -> tuple[UInt8[np.ndarray, "channels height width"], list[str]]:
    """Return one file as pixels of the wanted size, and what was done to it on the way.

    Args:
        path: The file.
        size: Height and width in pixels.
        channels: 1 for grey, 3 for colour.

    Raises:
        DataError: Why it cannot be read, in a few words.
    """
    with opened(path) as image:
        # JPEG decodes at a half, a quarter or an eighth for less; twice the wanted size
        # leaves the rest to a proper filter.
        image.draft(None, (2 * max(size), 2 * max(size)))
        return to_pixels(image, size, channels)


def to_pixels(
    image: Image.Image, size: tuple[int, int], channels: int
) -> tuple[UInt8[np.ndarray, "channels height width"], list[str]]:
    """Return a picture as pixels of the wanted size, and what was done to it on the way.

    It is turned upright, laid on white, scaled until it covers the size, and cut to it around
    the centre.
    """
    repairs: list[str] = []
    if getattr(image, "is_animated", False) and image.format != "MPO":
        # A camera's MPO holds the picture and its preview; it does not move.
        repairs.append("only the first frame was taken")
    image.load()  # which turns a TIFF, and forgets its orientation
    turn = _TRANSPOSES.get(orientation(image))
    plain = _plain(image, repairs)
    if turn is not None:
        plain = plain.transpose(turn)
        repairs.append("turned upright as EXIF says")
    plain = plain.convert("L" if channels == 1 else "RGB")
    height, width = size
    if plain.size != (width, height):
        # Pillow's bilinear filter widens with the reduction, so that fine patterns blur
        # instead of turning into false ones.
        plain = ImageOps.fit(plain, (width, height), Image.Resampling.BILINEAR)
    pixels = np.asarray(plain).reshape(height, width, channels)
    return pixels.transpose(2, 0, 1), repairs


def orientation(image: Image.Image) -> int:
    """Return EXIF's orientation, 1 to 8; 1 is upright, and where EXIF is damaged."""
    try:
        value = image.getexif().get(_ORIENTATION, 1)
    except _DAMAGE:
        return 1
    return value if isinstance(value, int) else 1


def _plain(image: Image.Image, repairs: list[str]) -> Image.Image:
    """Return the picture in 8-bit grey or colour, without transparency."""
    mode = image.mode
    if mode.startswith("I"):
        values = np.asarray(image)
        if values.min() < 0 or values.max() > 65535:
            raise DataError("32-bit pixels; save it with 8 or 16 bits")
        repairs.append("16 bits scaled to 8")
        # 65535 = 255 × 257, so that white stays white.
        return Image.fromarray(((values.astype(np.uint32) + 128) // 257).astype(np.uint8))
    if mode == "F":
        raise DataError("floating-point pixels; save it with 8 or 16 bits")
    if mode == "P":
        repairs.append("palette replaced by its colours")
    if mode == "CMYK":
        repairs.append("CMYK turned into RGB")
    grey_or_colour = "L" if mode in GREY_MODES else "RGB"
    if not image.has_transparency_data:
        return image.convert(grey_or_colour)
    image = image.convert("RGBA")
    if image.getchannel("A").getextrema()[0] != 255:
        repairs.append("transparency laid on white")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return image.convert(grey_or_colour)


def _what_else(path: Path) -> str:
    """Return what a file is that no decoder knows."""
    with path.open("rb") as file:
        start = file.read(512)
    if not start:
        return "empty, 0 bytes"
    if start.lstrip().lower().startswith((b"<!doctype html", b"<html")):
        return "a web page, not a picture"
    try:
        # A character may be cut at the end, so that the last three bytes do not count.
        text = start[:-3].decode()
    except UnicodeDecodeError:
        text = "\0"
    return "text, not a picture" if "\0" not in text else f"not one of {', '.join(FORMATS)}"


def _short(error: object) -> str:
    return f"damaged: {formats.plain(error, 80)}"
