"""Writes the history to disk as it grows."""

import time
from pathlib import Path

from thalweg._core import files
from thalweg.train._state import State
from thalweg.train.observers._observer import Observer

# A write waits for the disk, so that epochs of a few milliseconds must not each cause one.
SECONDS_BETWEEN_WRITES = 1.0


class Recorder(Observer):
    """Keeps `history.jsonl` up with the state's history.

    Args:
        path: The file to write.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.time = time.monotonic()

    def start(self, state: State) -> None:
        self._write(state)

    def epoch(self, state: State) -> None:
        if time.monotonic() - self.time > SECONDS_BETWEEN_WRITES:
            self._write(state)

    def end(self, state: State) -> None:
        self._write(state)

    def _write(self, state: State) -> None:
        files.write_atomically(self.path, "".join(f"{line}\n" for line in state.history.lines()))
        self.time = time.monotonic()
