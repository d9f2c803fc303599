"""How a user wants picture files to be read."""

import functools
import inspect
import math
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, no_type_check

from thalweg.data._source import Raw
from thalweg.data.images._images import check_standard
from thalweg.errors import SettingError

Size = int | tuple[int, int] | list[int]

# Random crops out of 256 pixels for a network of 224, as is usual (Krizhevsky et al., 2012).
USUAL_MARGIN = 0.143
# Four times as many pixels as the network gets: what is stored for nothing, beyond that.
LARGEST_MARGIN = 1.0


# Types are checked below, with messages for people, in tests too.
@no_type_check
@dataclass(frozen=True)
class Wanted:
    """Options of sources that read picture files.

    Raises:
        SettingError: An option makes no sense.
    """

    size: Size | None = None
    """Side, or height and width, in pixels of what the network gets. By default it is chosen."""
    channels: int | None = None
    """1 for grey, 3 for colour. By default grey if all pictures are."""
    margin: float | None = None
    """Share by which more is stored along each side than the network gets."""
    standardize: str = "train"
    """By the moments of the "train" part, or by the published ones of "imagenet"."""
    cache: bool | str | Path | None = None
    """Whether or where decoded pictures are kept; by default where decoding takes time."""
    sides: tuple[int, int] | None = field(init=False)
    """Height and width that were asked for."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "sides", None if self.size is None else _sides(self.size))
        if self.channels not in (None, 1, 3) or isinstance(self.channels, bool):
            raise SettingError(f"channels must be 1 (grey) or 3 (colour), got {self.channels!r}.")
        margin = self.margin
        is_number = isinstance(margin, (int, float)) and not isinstance(margin, bool)
        if margin is not None and not (is_number and 0 <= margin <= LARGEST_MARGIN):
            raise SettingError(
                f"margin must be a share from 0 to {LARGEST_MARGIN:g}, got {margin!r}. "
                f"{USUAL_MARGIN:g} stores 256 pixels for 224."
            )
        if not isinstance(self.cache, (bool, str, Path, type(None))):
            raise SettingError(f"cache must be true, false or a folder, got {self.cache!r}.")
        check_standard(self.standardize, self.channels)
        if self.standardize == "imagenet":
            object.__setattr__(self, "channels", 3)

    def stored(self, sides: tuple[int, int], most: float) -> tuple[int, int]:
        """Return height and width to store: larger by the margin, where pictures have more.

        As much is added on one side as on the other.

        Args:
            sides: Height and width that the network gets.
            most: How many times as large the pictures themselves are.
        """
        factor = min(1 + (self.margin or 0.0), max(most, 1.0))
        height, width = (side + 2 * math.floor(side * (factor - 1) / 2) for side in sides)
        return height, width


def _sides(size: Size) -> tuple[int, int]:
    pair = list(size) if isinstance(size, (tuple, list)) else [size, size]
    if len(pair) != 2 or not all(type(side) is int and side > 0 for side in pair):
        raise SettingError(
            f"size must be a side in pixels, such as 64, or (height, width), got {size!r}."
        )
    return pair[0], pair[1]


def of_pictures(read: Callable[..., Raw]) -> Callable[..., Raw]:
    """Let the reader of a source take each field of `Wanted` as an option, beside its own.

    Args:
        read: Takes them together, as `wanted`.
    """
    own = [each for each in inspect.signature(read).parameters.values() if each.name != "wanted"]
    names = [each.name for each in fields(Wanted) if each.init]
    keyword = inspect.Parameter.KEYWORD_ONLY
    shared = [inspect.Parameter(name, keyword, default=None) for name in names]

    @functools.wraps(read)
    def reader(data: Any, target: Any = None, **options: Any) -> Raw:
        given = {name: options.pop(name) for name in names if name in options}
        return read(data, target, wanted=Wanted(**given), **options)

    # What asks for the options of a source asks for its signature.
    reader.__signature__ = inspect.Signature([*own, *shared])  # pyright: ignore
    return reader
