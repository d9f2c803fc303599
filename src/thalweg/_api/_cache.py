"""The decoded pictures that are kept for later runs."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from thalweg.data.images.cache._draft import UnavailableError
from thalweg.data.images.cache._folder import Kept, cache_folder, contents, origin_of, remove
from thalweg.errors import DataError


@dataclass(frozen=True)
class CachedPictures:
    """One file of the cache."""

    path: str
    origin: str | None
    """The folder or table that names the pictures; None if the file is damaged."""
    bytes: int
    used: float
    """When it was last used, in seconds since 1970."""

    def to_json(self) -> dict[str, Any]:
        """Return the same as plain data."""
        return dict(vars(self))


def list_cache() -> list[CachedPictures]:
    """Return what is in the cache of decoded pictures, the one used last at the end."""
    return [_described(kept) for kept in contents(_folder())]


def clear_cache() -> list[CachedPictures]:
    """Remove all decoded pictures that are kept, and return what there was.

    Raises:
        DataError: One cannot be removed.
    """
    found = contents(_folder())
    described = [_described(kept) for kept in found]
    try:
        remove(found)
    except UnavailableError as error:
        raise DataError(f"{error}. Remove the folder by hand.") from error
    return described


def _folder() -> Path:
    try:
        return cache_folder()
    except UnavailableError as error:
        raise DataError(f"{error}.") from error


def _described(kept: Kept) -> CachedPictures:
    return CachedPictures(str(kept.path), origin_of(kept), kept.size, kept.used)
