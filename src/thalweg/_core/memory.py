"""How much memory may still be used, and what it is called when there is none."""

import os
from pathlib import Path


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
