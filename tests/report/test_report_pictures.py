"""Pictures inside the page."""

import base64
import io

import numpy as np
from PIL import Image

from thalweg.report import _pictures


def opened(picture):
    content = base64.b64decode(picture.source.removeprefix("data:image/png;base64,"))
    return Image.open(io.BytesIO(content)), len(content)


def test_a_small_picture_stays_as_it_is():
    pixels = np.random.default_rng(0).integers(0, 256, (8, 9, 3), dtype=np.uint8)
    picture = _pictures.shrink(pixels)
    image, _ = opened(picture)
    assert picture.is_tiny
    np.testing.assert_array_equal(np.asarray(image.convert("RGB")), pixels)


def test_a_large_picture_of_noise_becomes_small():
    pixels = np.random.default_rng(0).integers(0, 256, (500, 300, 3), dtype=np.uint8)
    picture = _pictures.shrink(pixels)
    image, length = opened(picture)
    assert image.size == (58, 96)
    assert not picture.is_tiny
    assert length < 12 * 1024
