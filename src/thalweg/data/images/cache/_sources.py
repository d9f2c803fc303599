"""The picture files that a cache was made of: which they were, and whether they have changed."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

import numpy as np
from jaxtyping import UInt64

from thalweg._core import formats

# Nanoseconds between the ticks by which file systems note changes: on Linux 10 million at most.
TICK = 20_000_000


@dataclass(frozen=True)
class SourceFiles:
    """Digests of the names of files, and of what the file system knows of each.

    That is its size, its time of change, which a program can set, the time at which the file
    system itself saw a change, which none can, and which file it is. A copy is another file.
    """

    names: UInt64[np.ndarray, " files"]
    states: UInt64[np.ndarray, " files"]

    @classmethod
    def of(cls, paths: Sequence[Path], names: Sequence[str]) -> "SourceFiles":
        """Ask the file system."""
        states, newest = _states(paths)
        if 0 <= time.time_ns() - newest < TICK:
            # Another change within the same tick would leave no trace: none after this one can.
            time.sleep(TICK / 1e9)
            states, _ = _states(paths)
        return cls(
            np.array([_digest(name) for name in names], dtype=np.uint64),
            np.array([_digest(state) for state in states], dtype=np.uint64),
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


def _states(paths: Sequence[Path]) -> tuple[list[str], int]:
    """Return what is known of each file, and when the last of them was changed."""
    states, newest = [], 0
    for path in paths:
        try:
            about = path.stat()
        except OSError:
            states.append("absent")
            continue
        times = about.st_mtime_ns, about.st_ctime_ns
        states.append(f"{about.st_size} {times} {about.st_dev} {about.st_ino}")
        newest = max(newest, about.st_ctime_ns)
    return states, newest


def _digest(text: str) -> int:
    return int.from_bytes(blake2b(text.encode(errors="surrogateescape"), digest_size=8).digest())
