"""Files that may come from anybody: never waited for, never larger than memory holds."""

import errno
import os
import stat
from pathlib import Path

from thalweg._core import formats, memory

# What a file may take of the memory that is available. Python's lists and dictionaries take up to
# 31 times the text of the JSON that they came from (tracemalloc: `[[[]],[[]],…]`), rows of a
# history up to 18 times; tensors are there twice, as bytes and as tensors. Half of it is left.
JSON_SHARE = 1 / 64
ROWS_SHARE = 1 / 40
TENSORS_SHARE = 1 / 2


def read(path: Path, share: float = TENSORS_SHARE) -> bytes:
    """Return the content of a file, which must be one and must fit into memory.

    A pipe would be waited for and a device never end; both can lie in an archive, or behind a
    link.

    Args:
        path: The file; a link to one will do.
        share: Of the available memory, how much the file may have in bytes.

    Raises:
        OSError: It is absent, no file, too large, or cannot be read.
    """
    if "\0" in str(path):
        raise FileNotFoundError(errno.ENOENT, "no file has such a name", str(path))
    _check(path.stat(), share)
    # Between the look and the opening it may have been exchanged, so that neither may wait.
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
        size = _check(os.fstat(file.fileno()), share)
        # Python makes room for as many bytes as are asked for, be they there or not.
        content = file.read(size + 1)
    if content is None or len(content) > size:
        raise OSError("it grows while it is read")
    return content


def _check(about: os.stat_result, share: float) -> int:
    """Return how many bytes there are to read."""
    if not stat.S_ISREG(about.st_mode):
        raise OSError("it is no file, but a folder, a pipe or a device")
    limit = int(share * memory.available())
    if about.st_size > limit:
        raise OSError(
            f"it has {formats.size(about.st_size)}, and at most {formats.size(limit)} of its kind "
            "fit into the memory available"
        )
    return about.st_size
