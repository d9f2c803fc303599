"""Saves the state from time to time."""

import time
from collections.abc import Callable

from thalweg.train._state import State
from thalweg.train.observers._observer import Observer


class Saver(Observer):
    """Calls `save` every so many steps, and at the ends of epochs every so many minutes.

    Args:
        save: Writes the state.
        every: Steps; None saves at the ends of epochs only.
        minutes: Between two saves at the ends of epochs.
    """

    def __init__(self, save: Callable[[State], None], every: int | None, minutes: float) -> None:
        self.save = save
        self.every = every
        self.seconds = 60 * minutes
        self.time = time.monotonic()

    def step(self, state: State) -> None:
        if self.every is not None and state.step % self.every == 0:
            self._save(state)

    def epoch(self, state: State) -> None:
        if time.monotonic() - self.time >= self.seconds:
            self._save(state)

    def end(self, state: State) -> None:
        if state.stopped == "interrupted":
            self._save(state)

    def _save(self, state: State) -> None:
        state.read()
        if state.stopped and state.stopped.startswith("the loss became"):
            return  # Weights that give no number must not push out the last good ones.
        self.save(state)
        self.time = time.monotonic()
