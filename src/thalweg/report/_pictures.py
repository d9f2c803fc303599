"""Examples as small pictures inside the page."""

import base64
import io
from dataclasses import dataclass

import numpy as np
from jaxtyping import UInt8
from PIL import Image

# Pixels along the longer side: the size at which the page shows them on a dense screen.
LARGEST = 96
# Pixels below which a picture is shown with its pixels as squares rather than blurred.
TINY = 48
# Bytes above which a picture keeps 256 colours only. Noise of 96 pixels takes 27 KiB in full
# colour and 10 KiB so; sixty of those leave the page well below its 3 MB.
LARGEST_FILE = 8 * 1024


@dataclass(frozen=True)
class Picture:
    """An image as the page holds it."""

    source: str
    """A data URI of a PNG."""
    is_tiny: bool


def shrink(pixels: UInt8[np.ndarray, "height width 3"]) -> Picture:
    """Return an image at most `LARGEST` pixels long, as a data URI.

    Example:
        >>> shrink(np.zeros((8, 8, 3), dtype=np.uint8)).source[:22]
        'data:image/png;base64,'
    """
    image = Image.fromarray(pixels)
    is_tiny = max(image.size) < TINY
    image.thumbnail((LARGEST, LARGEST))
    content = _png(image)
    if len(content) > LARGEST_FILE:
        content = _png(image.quantize(256))
    uri = f"data:image/png;base64,{base64.b64encode(content).decode()}"
    return Picture(uri, is_tiny)


def _png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()
