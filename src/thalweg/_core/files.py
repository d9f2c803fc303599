"""Files that are whole or absent, and folders with one writer."""

import errno
import fcntl
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from thalweg._core import formats
from thalweg.errors import RunError, RunLockedError


def write_atomically(path: Path, content: bytes | str) -> None:
    """Write a file beside its place, flush it to disk, and rename it there.

    A reader sees the old content or the new, never a mixture, whatever happens.

    Raises:
        RunError: The disk is full, read-only, or not ours to write to.
    """
    data = content.encode() if isinstance(content, str) else content
    beside = path.with_name(f".{path.name}.{os.getpid()}.partial")
    with explained(path, needed=len(data)):
        try:
            with beside.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            beside.replace(path)
            flush_folder(path.parent)
        finally:
            beside.unlink(missing_ok=True)


def write_json(path: Path, data: Any) -> None:
    """Write plain data as JSON that a person can read, atomically."""
    write_atomically(path, json.dumps(data, indent=2, ensure_ascii=False, allow_nan=True) + "\n")


def flush_folder(folder: Path) -> None:
    """Flush a folder's list of names to disk, so that a rename survives a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def explained(path: Path, needed: int = 0) -> Iterator[None]:
    """Turn the system's errors about writing into ours, in one line."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            free = shutil.disk_usage(path.parent).free if path.parent.exists() else 0
            raise RunError(
                f"cannot write {path}: the disk is full "
                f"({formats.size(needed)} needed, {formats.size(free)} free). "
                "Make room, then resume; what was saved before is intact."
            ) from error
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise RunError(
            f"cannot write {path}: {reason}. Choose another folder with --out or out=."
        ) from error


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold a folder as its only writer.

    The lock belongs to the process, so that it is gone when the process is, however it ended.

    Raises:
        RunLockedError: Another process holds it.
    """
    path = folder / ".lock"
    with explained(path), path.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            owner = file.read().strip() or "unknown"
            raise RunLockedError(
                f"{folder} is in use by another process (id {owner}). "
                "Wait for it to end, or choose another folder with --out or out=."
            ) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        try:
            yield
        finally:
            fcntl.flock(file, fcntl.LOCK_UN)
