"""Characters drawn from a font and distorted like handwriting, in the shape of MNIST."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int, UInt8
from PIL import Image, ImageDraw, ImageFont

from thalweg._core import formats, seeds
from thalweg.errors import DataNotFoundError, SettingError

SIZE = 28
"""Height and width in pixels, as in MNIST."""
# Of the tallest character and of the widest, in pixels; the rest is room to move.
HEIGHT, WIDTH = 18, 22
# Template pixels per pixel: fine enough that interpolation hides the font's own raster.
FINE = 4
# Examples distorted at once: their coordinates take 25 MB.
CHUNK = 1000
# Smooth fields are sums of cosines of up to this many half waves along each axis.
WAVES = 4
FIELDS = WAVES * WAVES - 1
# Random numbers per example: character and font, nine distortions, three fields.
DRAWS = 2 + 9 + 3 * FIELDS

ALPHABETS = {"digits": "0123456789", "letters": "ABCDEFGHIJKLMNOPQRSTUVWXYZ"}


@dataclass(frozen=True)
class Glyphs:
    """Pictures of characters."""

    pictures: UInt8[np.ndarray, "examples 1 height width"]
    """White on black."""
    labels: Int[np.ndarray, " examples"]
    """Position in `alphabet`."""
    alphabet: str


def draw_glyphs(
    n: int,
    *,
    seed: int,
    alphabet: str = "digits",
    noise: float = 0.04,
    distortion: float = 1.0,
    fonts: Sequence[str | Path] = (),
) -> Glyphs:
    """Draw distorted characters.

    A template holds, at every point, the distance to the character's outline. Moving the
    outline's level thickens or thins the stroke; reading the template at displaced points
    rotates, shears, scales, shifts and bends it.

    Args:
        n: How many.
        seed: Example i is the same for every n.
        alphabet: "digits", "letters", or the characters themselves.
        noise: Standard deviation per pixel, where white is 1.
        distortion: Strength; 0 leaves the font as it is, 1 looks like handwriting.
        fonts: Files of fonts, one drawn at random per example. By default the one that
            Pillow carries, which is the same on every machine.

    Raises:
        SettingError: A font lacks a character, or a number is out of range.
        DataNotFoundError: A font cannot be read.

    Example:
        >>> draw_glyphs(5, seed=0).pictures.shape
        (5, 1, 28, 28)
    """
    characters = "".join(dict.fromkeys(ALPHABETS.get(alphabet, alphabet)))
    if len(characters) < 2:
        raise SettingError(
            f"alphabet must be 'digits', 'letters' or at least two characters, got {alphabet!r}."
        )
    templates = np.stack([_templates(characters, font) for font in fonts or (None,)])
    draws = seeds.numpy_generator(seed, "glyphs").random((n, DRAWS))
    labels = (draws[:, 0] * len(characters)).astype(int)
    faces = (draws[:, 1] * len(templates)).astype(int)
    specks = seeds.numpy_generator(seed, "glyphs", "noise")
    pictures = np.empty((n, 1, SIZE, SIZE), dtype=np.uint8)
    for start in range(0, n, CHUNK):
        rows = slice(start, start + CHUNK)
        ink = _distorted(templates[faces[rows], labels[rows]], draws[rows, 2:], distortion)
        ink += noise * specks.standard_normal(ink.shape)
        pictures[rows, 0] = np.rint(255 * ink.clip(0, 1))
    return Glyphs(pictures, labels, characters)


def _distorted(
    templates: Float[np.ndarray, "batch fine fine"],
    draws: Float[np.ndarray, "batch draws"],
    strength: float,
) -> Float[np.ndarray, "batch height width"]:
    """Return how much ink each pixel holds, between 0 and 1, before noise."""
    signed, unsigned, rest = np.split(draws, [7, 9], axis=1)
    # Of every example, an axis of its own for height and width: (batch, 1, 1).
    turn, shear, wide, tall, right, down, weight = strength * (2 * signed.T[..., None, None] - 1)
    softness, fade = strength * unsigned.T[..., None, None]
    waves = strength * (2 * rest - 1).reshape(len(draws), 3, FIELDS)
    # Summed without BLAS, whose rounding depends on how many examples there are.
    bend_x, bend_y, pressure = np.einsum("bkf,fyx->kbyx", waves, _waves())

    # The factors below are in radians, pixels or parts of one: as far as a person still reads
    # nearly every character without effort, judged on contact sheets.
    cosine, sine = np.cos(0.22 * turn), np.sin(0.22 * turn)
    grid = np.arange(SIZE) - (SIZE - 1) / 2
    y, x = np.meshgrid(grid, grid, indexing="ij")
    x, y = x - 2 * right, y - 2 * down
    x, y = cosine * x + sine * y, cosine * y - sine * x
    x, y = (x + 0.28 * shear * y) * np.exp(0.2 * wide), y * np.exp(0.15 * tall)
    distance = _read_at(templates, x + 1.2 * bend_x, y + 1.2 * bend_y)
    thicker = 0.25 * strength + 0.5 * weight + 0.45 * pressure
    edge = 1.0 + 0.6 * softness
    return (0.5 + (distance + thicker) / edge).clip(0, 1) * (1 - 0.25 * fade)


def _waves() -> Float[np.ndarray, "fields height width"]:
    """Return smooth fields over the picture, the finer the weaker."""
    half_turns = np.pi * (np.arange(SIZE) + 0.5) / SIZE
    lines = np.cos(np.arange(WAVES)[:, None] * half_turns)
    fields = [
        np.outer(lines[i], lines[j]) / np.hypot(i, j)
        for i in range(WAVES)
        for j in range(WAVES)
        if i + j > 0
    ]
    return np.stack(fields)


def _read_at(
    templates: Float[np.ndarray, "batch fine fine"],
    x: Float[np.ndarray, "batch height width"],
    y: Float[np.ndarray, "batch height width"],
) -> Float[np.ndarray, "batch height width"]:
    """Return templates at points given in pixels from the centre, interpolated linearly."""
    side = templates.shape[1]
    column = (x * FINE + (side - 1) / 2).clip(0, side - 1.001)
    row = (y * FINE + (side - 1) / 2).clip(0, side - 1.001)
    left, top = column.astype(int), row.astype(int)
    column -= left
    row -= top
    flat = templates.reshape(-1)
    corner = (np.arange(len(templates))[:, None, None] * side + top) * side + left
    upper = flat[corner] * (1 - column) + flat[corner + 1] * column
    lower = flat[corner + side] * (1 - column) + flat[corner + side + 1] * column
    return upper * (1 - row) + lower * row


def _templates(
    characters: str, font: str | Path | None
) -> Float[np.ndarray, "characters fine fine"]:
    """Return the signed distance to each outline in pixels, positive inside.

    All share a scale and a line, so that "o" and "O" differ, and "," and "'".
    """
    from scipy.ndimage import distance_transform_edt  # Late: it takes a fifth of a second.

    trial = _font(font, 100)
    _check_characters(characters, trial)
    boxes = np.array([trial.getbbox(character, anchor="ms") for character in characters]) / 100
    left, top, right, bottom = boxes.T
    size = FINE * min(HEIGHT / (bottom.max() - top.min()), WIDTH / (right - left).max())
    face = _font(font, size)
    side = SIZE * FINE
    columns = side / 2 - size * (left + right) / 2
    line = side / 2 - size * (bottom.max() + top.min()) / 2
    templates = []
    for character, column in zip(characters, columns, strict=True):
        inside = _drawn(character, face, side, (column, line)) > 127
        outline = np.asarray(distance_transform_edt(inside)) - distance_transform_edt(~inside)
        # Half a template pixel on either side is lost to counting from centres.
        templates.append((outline - 0.5 * np.sign(outline)) / FINE)
    return np.stack(templates)


def _check_characters(characters: str, font: ImageFont.FreeTypeFont) -> None:
    # A font draws the same box for every character that it lacks, this one among them.
    absent = _drawn("\uffff", font, 200, (100, 150))
    for character in characters:
        drawn = _drawn(character, font, 200, (100, 150))
        if not drawn.any() or (drawn == absent).all():
            raise SettingError(
                f"the font {font.getname()[0]} has no picture of the character "
                f"{formats.plain(character)!r}. Leave it out of alphabet=, or name other fonts=."
            )


def _drawn(
    character: str, font: ImageFont.FreeTypeFont, side: int, place: tuple[float, float]
) -> np.ndarray:
    canvas = Image.new("L", (side, side))
    ImageDraw.Draw(canvas).text(place, character, fill=255, font=font, anchor="ms")
    return np.asarray(canvas)


def _font(path: str | Path | None, size: float) -> ImageFont.FreeTypeFont:
    if path is None:
        font = ImageFont.load_default(size)
        assert isinstance(font, ImageFont.FreeTypeFont)
        return font
    try:
        return ImageFont.truetype(path, size)
    except OSError as error:
        raise DataNotFoundError(
            f"cannot read the font {formats.plain(path)!r}: {error}. fonts= takes paths of .ttf "
            "or .otf files."
        ) from error
