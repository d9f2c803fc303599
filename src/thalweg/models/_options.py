"""Options that several networks share, refused in one line when they make no sense."""

from collections.abc import Sequence
from numbers import Integral
from typing import Any

from thalweg._core import formats
from thalweg.errors import SettingError, ShapeError

MOST_LAYERS = 1_000
"""Deeper networks take seconds to make, and a stranger may ask for millions of layers."""


def widths(name: str, given: Any) -> tuple[int, ...]:
    """Return layer widths; a single number is one layer.

    Raises:
        SettingError: Not whole numbers of at least one, or more than a thousand.

    Example:
        >>> widths("hidden", 64)
        (64,)
    """
    several = given if isinstance(given, (list, tuple)) else (given,)
    is_whole = all(isinstance(each, int) and not isinstance(each, bool) for each in several)
    if not is_whole or min(several, default=1) < 1:
        got = formats.plain(repr(given))
        raise SettingError(f"{name} must be whole numbers of at least 1, such as 64,64; got {got}.")
    check_depth(len(several))
    return tuple(several)


def check_depth(layers: int) -> None:
    """Refuse a network that would take forever to make.

    Raises:
        SettingError: It has too many layers.
    """
    if layers > MOST_LAYERS:
        raise SettingError(
            f"a network may have {formats.count(MOST_LAYERS)} layers, got {formats.plain(layers)}."
        )


def check_whole(name: str, given: Any, *, least: int) -> None:
    """Refuse what is not a whole number of at least `least`.

    Raises:
        SettingError: It is not.
    """
    if not isinstance(given, Integral) or isinstance(given, bool) or given < least:
        got = formats.plain(repr(given))
        raise SettingError(f"{name} must be a whole number of at least {least}, got {got}.")


def probability(name: str, given: Any) -> float:
    """Return a share that may be zero but not one.

    Raises:
        SettingError: It is out of range.
    """
    if not isinstance(given, (int, float)) or not 0 <= given < 1:
        got = formats.plain(repr(given))
        raise SettingError(f"{name} must be from 0 up to but without 1, got {got}.")
    return float(given)


def one_of(name: str, given: Any, known: Sequence[str | None]) -> None:
    """Refuse a value that is not among the known ones.

    Raises:
        SettingError: It is not.
    """
    if given not in known:
        names = ", ".join(repr(each) for each in known)
        raise SettingError(f"{name} must be one of {names}, got {formats.plain(repr(given))}.")


def check_image_size(network: str, size: tuple[int, int], least: int = 1) -> None:
    """Refuse images of which a network would leave nothing.

    Args:
        network: Its name.
        size: Height and width of the images, in pixels.
        least: The smallest height and width that it can take.

    Raises:
        ShapeError: Height or width is below that.
    """
    if min(size) < least:
        pixels = "pixel" if least == 1 else "pixels"
        raise ShapeError(
            f"network {network!r} needs images of at least {least}×{least} {pixels}, "
            f"got {size[0]}×{size[1]}."
            + ("" if least == 1 else f" Enlarge them: tw.load(…, size={least}).")
        )
