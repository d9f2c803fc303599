"""Saves the state from time to time."""

import time
from collections.abc import Callable

from thalweg.train._saves import Saves
from thalweg.train._state import State
from thalweg.train.observers._observer import Observer


class Saver(Observer):
    """Saves every so many steps, and at the ends of epochs every so many minutes.

    A number of steps is kept to, so that such a save waits for one still being written; where
    several steps are taken at once, it comes after the last of them. Minutes are not worth
    waiting for: the end of the next epoch will do.

    Args:
        saves: Writes the state.
        every: Steps; None saves at the ends of epochs only.
        minutes: Between two saves at the ends of epochs.
        clock: In seconds; several processes, which save together, go by the same one.
    """

    def __init__(
        self,
        saves: Saves,
        every: int | None,
        minutes: float,
        clock: Callable[[], float] | None = None,
    ) -> None:
        self.saves = saves
        self.every = every
        self.seconds = 60 * minutes
        self.clock = clock or time.monotonic
        self.time = self.clock()
        self.seen = 0
        """Steps completed when a step was last told of."""

    def start(self, state: State) -> None:
        self.seen = state.step

    def step(self, state: State) -> None:
        self.saves.check()
        # A state that went back to a checkpoint has fewer steps than before.
        before, self.seen = min(self.seen, state.step - 1), state.step
        if self.every is not None and state.step // self.every > before // self.every:
            self._save(state)

    def epoch(self, state: State) -> None:
        self.saves.check()
        # Of several processes only the first one writes, and the others would not know.
        is_busy = state.parallel is None and self.saves.is_busy
        if self.clock() - self.time >= self.seconds and not is_busy:
            self._save(state)

    def end(self, state: State) -> None:
        if state.stopped == "interrupted":
            self._save(state)
        self.saves.wait()

    def _save(self, state: State) -> None:
        state.read()
        if state.has_diverged:
            return  # Weights that give no number must not push out the last good ones.
        self.saves.save(state)
        self.time = self.clock()
