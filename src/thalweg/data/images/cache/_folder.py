"""The folder of the cache: where it is, who writes to it, and how it is kept from growing."""

import fcntl
import os
import re
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

from thalweg._core import formats
from thalweg._core.files import sweep
from thalweg.data.images.cache._draft import UnavailableError, unavailable
from thalweg.data.images.cache._entry import DamagedError, Entry

VARIABLE = "THALWEG_CACHE"
SUFFIX = ".safetensors"
# Of the disk: more than this makes the cache drop what was not used for the longest time, and as
# much stays free for others.
LARGEST_SHARE = 1 / 10
FREE_SHARE = 1 / 50


@dataclass(frozen=True)
class Kept:
    """One file of the cache."""

    path: Path
    size: int
    """Bytes."""
    used: float
    """When it was last used, in seconds since 1970."""


def cache_folder(wanted: str | Path | None = None) -> Path:
    """Return where decoded pictures are kept; the folder need not be there.

    Args:
        wanted: A folder that the user named.

    Raises:
        UnavailableError: Nobody says where.
    """
    if wanted is not None:
        return Path(wanted).expanduser().absolute()
    if named := os.environ.get(VARIABLE):
        return Path(named).expanduser().absolute() / "pictures"
    try:
        # The place that freedesktop.org's base directories give to what can be made again.
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    except RuntimeError as error:
        raise UnavailableError(f"there is no home folder, and {VARIABLE} is not set") from error
    return base.absolute() / "thalweg" / "pictures"


def place_of(folder: Path, origin: str, settings: str) -> Path:
    """Return which file of the cache holds the pictures of an origin, decoded in one way."""
    text = f"{origin}\0{settings}"
    digest = blake2b(text.encode(errors="surrogateescape"), digest_size=8).hexdigest()
    # Part of the name is there for people who look into the folder.
    name = re.sub(r"[^A-Za-z0-9_]+", "-", Path(origin).name)[:40].strip("-") or "pictures"
    return folder / f"{name}-{digest}{SUFFIX}"


@contextmanager
def alone(path: Path, wait: Callable[[], None]) -> Iterator[None]:
    """Be the only one who makes a file of the cache, and wait for who makes it already.

    The lock belongs to the process, so that it is gone when the process is. What such a process
    left half written is removed.

    Args:
        path: The file.
        wait: Is called before waiting.

    Raises:
        UnavailableError: The folder cannot be made or written to.
    """
    with unavailable(path):
        # Photographs may be private: nobody else reads them here.
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        handle = os.open(path.with_name(f".{path.name}.lock"), flags, 0o600)
    try:
        if _lock(handle, wait):
            with unavailable(path):
                for orphan in path.parent.glob(f".{path.name}.*.partial"):
                    orphan.unlink(missing_ok=True)
        yield
    finally:
        os.close(handle)


def _lock(handle: int, wait: Callable[[], None]) -> bool:
    """Lock a file and return True; False on a file system without locks.

    There, at worst, two processes make the same file.
    """
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        wait()
        fcntl.flock(handle, fcntl.LOCK_EX)
    except OSError:
        return False
    return True


def contents(folder: Path) -> list[Kept]:
    """Return the files of the cache, the one not used for the longest time first."""
    found = []
    for path in folder.glob(f"*{SUFFIX}"):
        try:
            about = path.lstat()
        except OSError:
            continue  # Another process has just removed it.
        found.append(Kept(path, about.st_size, about.st_mtime))
    return sorted(found, key=lambda kept: kept.used)


def make_room(place: Path, needed: int) -> list[Path]:
    """Remove files not used for the longest time until so many bytes fit, and return which.

    What is in the place itself goes first. A process that has a file mapped keeps it.

    Raises:
        UnavailableError: They would not fit.
    """
    folder = place.parent
    with unavailable(place):
        sweep(folder)
        place.unlink(missing_ok=True)
        disk, others = shutil.disk_usage(folder), contents(folder)
        total, free, removed = needed + sum(kept.size for kept in others), disk.free, []
        reserve = FREE_SHARE * disk.total
        for kept in others:
            if total <= LARGEST_SHARE * disk.total and free >= needed + reserve:
                break
            kept.path.unlink(missing_ok=True)
            total, free = total - kept.size, free + kept.size
            removed.append(kept.path)
    if free < needed + reserve:
        raise UnavailableError(
            f"{formats.size(needed)} are needed in {formats.plain(folder)}, where "
            f"{formats.size(free)} are free"
        )
    return removed


def remove(files: Iterable[Kept]) -> None:
    """Remove files of the cache.

    Raises:
        UnavailableError: One cannot be removed.
    """
    for kept in files:
        with unavailable(kept.path):
            kept.path.unlink(missing_ok=True)


def origin_of(kept: Kept) -> str | None:
    """Return which folder or table a file was made of; None if it is damaged."""
    try:
        return Entry.open(kept.path).about.origin
    except (DamagedError, FileNotFoundError):
        return None
