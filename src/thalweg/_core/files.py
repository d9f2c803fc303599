"""Files that are whole or absent, and folders with one writer."""

import errno
import fcntl
import json
import os
import re
import shutil
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from thalweg._core import formats
from thalweg.errors import RunError, RunLockedError, ThalwegError


def write_atomically(path: Path, content: bytes | str | Sequence[bytes | memoryview]) -> None:
    """Write a file beside its place, flush it to disk, and rename it there.

    A reader sees the old content or the new, never a mixture, whatever happens.

    Args:
        path: Where to.
        content: The whole, or pieces that follow each other.

    Raises:
        RunError: The disk is full, read-only, or not ours to write to.
    """
    whole = content.encode() if isinstance(content, str) else content
    pieces = [whole] if isinstance(whole, bytes) else whole
    with explained(path, needed=sum(map(len, pieces))):
        # A part of the name will do: the whole of a long one would be too long with more around it.
        beside = path.with_name(f".{path.name[:40]}.{os.getpid()}.partial")
        try:
            # A link of that name, laid there by somebody else, is removed and never followed.
            beside.unlink(missing_ok=True)
            with beside.open("xb") as file:
                file.writelines(pieces)
                file.flush()
                os.fsync(file.fileno())
            beside.replace(path)
            flush_folder(path.parent)
        finally:
            beside.unlink(missing_ok=True)


def spare(path: Path, beginning: str) -> None:
    """Refuse to write over a file of another kind, which is somebody's own.

    Args:
        path: Where something is to be written.
        beginning: How every file of its kind begins.

    Raises:
        RunError: What is there begins otherwise.
    """
    with explained(path):
        if not path.is_file():
            return
        with path.open("rb") as file:
            start = file.read(len(beginning))
    if start and start != beginning.encode():
        raise RunError(f"{path} is a file of another kind, which stays. Choose another name.")


def write_json(path: Path, data: Any) -> None:
    """Write plain data as JSON that a person can read, atomically."""
    text = json.dumps(data, indent=2, ensure_ascii=False, allow_nan=True)
    if not is_text(text):  # A path may hold bytes that are no text; escaped, they come back.
        text = json.dumps(data, indent=2)
    write_atomically(path, f"{text}\n")


def is_text(text: str) -> bool:
    """Return whether every character can be written, which halves of some cannot."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def flush_folder(folder: Path) -> None:
    """Flush a folder's list of names to disk, so that a rename survives a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def make_folder(path: Path) -> None:
    """Make a folder and those above it, so that a power cut does not take them away again."""
    missing = [each for each in (path, *path.parents) if not each.exists()]
    path.mkdir(parents=True, exist_ok=True)
    for each in reversed(missing):
        flush_folder(each.parent)


@contextmanager
def explained(path: Path, needed: int = 0) -> Iterator[None]:
    """Turn the system's errors about writing into ours, in one line.

    Args:
        path: What is written; its folder may not exist yet.
        needed: Bytes, where they are known.

    Raises:
        RunError: In place of any OSError that is not one of ours already.
    """
    try:
        yield
    except ThalwegError:
        raise
    except ValueError as error:  # a path with a zero byte
        raise RunError(f"cannot write {path}: {error}. Choose another name.") from error
    except OSError as error:
        if error.errno == errno.ENOSPC:
            present = next(folder for folder in path.absolute().parents if folder.exists())
            free = shutil.disk_usage(present).free
            raise RunError(
                f"cannot write {path}: the disk is full "
                f"({formats.size(needed)} needed, {formats.size(free)} free). "
                "Make room, then resume; what was saved before is intact."
            ) from error
        reason = os.strerror(error.errno) if error.errno else str(error)
        advice = "Choose another folder with --out or out=."
        if error.errno in (errno.EMFILE, errno.ENFILE):
            advice = "Close some, or raise the limit: ulimit -n 4096."
        raise RunError(f"cannot write {path}: {reason}. {advice}") from error


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold a folder as its only writer.

    The lock belongs to the process, so that it is gone when the process is, however it ended.
    What such a process left half written is removed.

    Raises:
        RunLockedError: Another process holds it.
    """
    path = folder / ".lock"
    with explained(path):
        # Through a link, the process number would be written into somebody's file.
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK, 0o666)
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise RunError(f"{path} must be a file, and is none. Remove it, if nothing needs it.")
        with explained(path):
            _lock(handle, folder)
            os.ftruncate(handle, 0)
            os.write(handle, str(os.getpid()).encode())
            sweep(folder)
        yield
    finally:
        # Closing alone would not do while a child process has the file open too.
        fcntl.flock(handle, fcntl.LOCK_UN)
        os.close(handle)


def _lock(handle: int, folder: Path) -> None:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        owner = os.read(handle, 20).decode(errors="replace") or "unknown"
        raise RunLockedError(
            f"{folder} is in use by another process (id {owner}). "
            "Wait for it to end, or choose another folder with --out or out=."
        ) from None


_UNFINISHED = re.compile(r"\..+\.(\d{1,9})\.partial")


def sweep(folder: Path) -> None:
    """Remove the files that were begun beside their places in a process that is no more."""
    for path in folder.glob(".*.partial"):
        name = _UNFINISHED.fullmatch(path.name)
        if name and not path.is_dir() and not _is_alive(int(name[1])):
            path.unlink(missing_ok=True)


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # It is there, and somebody else's.
        return True
    return True
