"""How much memory may still be used, how it is kept between steps, and how its want is told."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

# Numbers of glibc's malloc.h.
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
NEVER = -1
# What glibc raises its thresholds to by itself, in a process that frees blocks so large.
LARGEST_BLOCK = 32 * 2**20
LARGEST_REST = 2 * LARGEST_BLOCK
MALLOC_VARIABLES = ("MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_", "MALLOC_MMAP_MAX_")


def available(system: Path = Path("/")) -> int:
    """Return the bytes that can be used without swapping, or all there are where nobody says.

    Inside a container that is what its limit leaves.

    Args:
        system: Where `proc` and `sys` are mounted.
    """
    amounts = [_line(system / "proc/meminfo", "MemAvailable:")]
    group = system / "sys/fs/cgroup"
    limit, used = _number(group / "memory.max"), _number(group / "memory.current")
    if limit is not None and used is not None:
        # The page cache counts as used, but is given up when memory is asked for.
        cached = _line(group / "memory.stat", "inactive_file", unit=1) or 0
        amounts.append(max(limit - used + cached, 0))
    known = [amount for amount in amounts if amount is not None]
    if known:
        return min(known)
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


@contextmanager
def kept() -> Iterator[None]:
    """Keep what is freed inside the block for what is asked for next in it.

    A step of training frees as much as the next one asks for. glibc's malloc gives that back to
    the system in between, which then fills every page with zeros anew: where this was written,
    a seventh of the step of a small residual network.
    Blocks of more than 32 MiB go back at once all the same, and at the end all that is free.
    Where the environment has such settings, or malloc is another one, nothing is changed.
    """
    libc = None if _is_tuned() else _glibc()
    if libc is None:
        yield
        return
    with _inside.lock:
        _inside.blocks += 1
        libc.mallopt(M_MMAP_THRESHOLD, LARGEST_BLOCK)
        libc.mallopt(M_TRIM_THRESHOLD, NEVER)
    try:
        yield
    finally:
        with _inside.lock:
            _inside.blocks -= 1
            if _inside.blocks == 0:
                libc.mallopt(M_TRIM_THRESHOLD, LARGEST_REST)
                libc.malloc_trim(0)


@dataclass
class _Inside:
    """How many blocks of `kept` there are, one in another or in several threads."""

    blocks: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)


_inside = _Inside()


def _is_tuned() -> bool:
    """Return whether the environment says when memory goes back to the system."""
    tunables = os.environ.get("GLIBC_TUNABLES", "")
    return any(each in os.environ for each in MALLOC_VARIABLES) or "glibc.malloc" in tunables


def _glibc() -> Any:
    """Return what the process has of the C library if it is GNU's; None otherwise."""
    try:
        os.confstr("CS_GNU_LIBC_VERSION")
    except (AttributeError, ValueError, OSError):  # On Windows, on macOS, with musl.
        return None
    import ctypes

    return ctypes.pythonapi  # Nothing is opened: these are the process's own symbols.


def is_short(error: BaseException) -> bool:
    """Return whether an error says that no memory was left.

    Of torch's own, those of accelerators have a type; those of the processor and of cuBLAS are
    known by what they say.

    Example:
        >>> is_short(RuntimeError("DefaultCPUAllocator: can't allocate memory"))
        True
        >>> is_short(RuntimeError("shapes do not match"))
        False
    """
    if isinstance(error, RuntimeError):
        said = str(error)
        return type(error).__name__ == "OutOfMemoryError" or any(each in said for each in _SAID)
    return isinstance(error, MemoryError)


_SAID = ("can't allocate memory", "CUBLAS_STATUS_ALLOC_FAILED")


def _line(path: Path, name: str, unit: int = 1024) -> int | None:
    """Return the number behind a name in one of the kernel's lists, in bytes."""
    try:
        lines = path.read_text().splitlines()
    except OSError:
        return None
    values = [line.split()[1] for line in lines if line.startswith(f"{name} ")]
    return int(values[0]) * unit if values else None


def _number(path: Path) -> int | None:
    """Return the number in a file; None without the file, and where it says "max"."""
    try:
        text = path.read_text().strip()
    except OSError:
        return None
    return int(text) if text.isdigit() else None
