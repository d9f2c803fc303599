"""Where the seconds went."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from thalweg.train._state import State
from thalweg.train.observers._observer import Observer


class Stopwatch(Observer):
    """Adds up the seconds of training and of validation.

    What other observers take counts where it falls, unless it happens inside `apart`; put the
    stopwatch last. On a device that works ahead of the host, a step's seconds may be counted
    when the host next waits for it.
    """

    def __init__(self) -> None:
        self.seconds = {"first step": 0.0, "training": 0.0, "validation": 0.0}
        self.is_first = True
        self.time = time.perf_counter()

    def start(self, state: State) -> None:
        self.time = time.perf_counter()

    def step(self, state: State) -> None:
        self._add("first step" if self.is_first else "training")
        self.is_first = False

    def epoch(self, state: State) -> None:
        self._add("validation")

    def end(self, state: State) -> None:
        self._add("training")

    @contextmanager
    def apart(self, phase: str) -> Iterator[None]:
        """Count the seconds of the block for a phase of its own and for no other."""
        began = time.perf_counter()
        try:
            yield
        finally:
            took = time.perf_counter() - began
            self.seconds[phase] = self.seconds.get(phase, 0.0) + took
            self.time += took

    def _add(self, phase: str) -> None:
        now = time.perf_counter()
        self.seconds[phase] += now - self.time
        self.time = now
