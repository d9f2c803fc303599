"""The picture files that a cache was made of: which they were, and whether they have changed."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

import numpy as np
from jaxtyping import UInt64

from thalweg._core import formats


@dataclass(frozen=True)
class SourceFiles:
    """Digests of the names of files, and of their sizes and times of change.

    A file that is altered within the clock's tick, to the same size, looks the same.
    """

    names: UInt64[np.ndarray, " files"]
    states: UInt64[np.ndarray, " files"]

    @classmethod
    def of(cls, paths: Sequence[Path], names: Sequence[str]) -> "SourceFiles":
        """Ask the file system for each file's size and time of change."""
        return cls(
            np.array([_digest(name) for name in names], dtype=np.uint64),
            np.array([_digest(_state(path)) for path in paths], dtype=np.uint64),
        )

    def changes(self, before: "SourceFiles") -> str | None:
        """Return in words what has changed since; None if nothing has.

        Example:
            >>> now = SourceFiles(np.array([1, 2], np.uint64), np.array([10, 20], np.uint64))
            >>> then = SourceFiles(np.array([2], np.uint64), np.array([21], np.uint64))
            >>> now.changes(then)
            '1 file added, 1 altered'
        """
        shared, ours, theirs = np.intersect1d(self.names, before.names, return_indices=True)
        counts = {
            "added": len(self.names) - len(shared),
            "removed": len(before.names) - len(shared),
            "altered": int((self.states[ours] != before.states[theirs]).sum()),
        }
        told = [f"{formats.count(many)} {what}" for what, many in counts.items() if many]
        if told:
            first, *rest = told
            number, what = first.split(" ")
            plural = "file" if number == "1" else "files"
            return ", ".join([f"{number} {plural} {what}", *rest])
        return None if np.array_equal(self.names, before.names) else "files in another order"


def _state(path: Path) -> str:
    try:
        about = path.stat()
    except OSError:
        return "absent"
    return f"{about.st_size} {about.st_mtime_ns}"


def _digest(text: str) -> int:
    return int.from_bytes(blake2b(text.encode(errors="surrogateescape"), digest_size=8).digest())
