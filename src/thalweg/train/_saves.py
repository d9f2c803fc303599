"""Checkpoints written while training goes on."""

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext, suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from thalweg.errors import RunError
from thalweg.train import _checkpoint
from thalweg.train._snapshot import Snapshot, take
from thalweg.train._state import State


class Saves:
    """Copies the state at the call and writes the copy in a thread, one at a time.

    A second save waits for the first, so that there is never more than one copy and every
    checkpoint that was asked for is written; whoever would rather not wait asks `is_busy`. A
    save that failed raises at the next call of any method but that.

    The thread is none of the kind that the interpreter ends when it exits: a save is finished,
    whatever becomes of the training. It lives no longer than its save, so that a process forked
    between two has none missing.

    Args:
        folder: The run's `checkpoint` folder.
        apart: Counts the seconds for which training waits.
        state: Saved once more where the block ends in an error between two steps, such as that of
            a metric, so that nothing is lost by it.
    """

    def __init__(
        self,
        folder: Path,
        apart: Callable[[], AbstractContextManager[None]] = nullcontext,
        state: State | None = None,
    ) -> None:
        self.folder = folder
        self.state = state
        self.apart = apart
        self.thread: threading.Thread | None = None
        self.error: Exception | None = None

    @property
    def is_busy(self) -> bool:
        """Whether a save is being written."""
        return self.thread is not None and self.thread.is_alive()

    def save(self, state: State) -> None:
        """Begin a save of the state as it is now; wait first for the one before.

        Of several processes, all call it and the first one writes.

        Raises:
            RunError: The one before failed.
        """
        self.wait()
        with self.apart():
            snapshot = take(state)
        if not state.is_writer:
            return
        self.thread = threading.Thread(
            target=self._write, args=(snapshot,), name="thalweg save", daemon=False
        )
        self.thread.start()

    def check(self) -> None:
        """Wait for nothing.

        Raises:
            RunError: The last save failed.
        """
        error, self.error = self.error, None
        if error is not None:
            raise error

    def wait(self) -> None:
        """Wait until the last save is on the disk.

        Raises:
            RunError: It failed.
        """
        if self.thread is not None:
            with self.apart():
                self.thread.join()
            self.thread = None
        self.check()

    def go_back(self, state: State) -> list[str]:
        """Put the state back as the newest intact checkpoint has it.

        Returns:
            One notice per checkpoint that was damaged and passed over.
        """
        self.wait()
        return _checkpoint.restore(state, self.folder)

    def _write(self, snapshot: Snapshot) -> None:
        try:
            _checkpoint.write(snapshot, self.folder)
        # The last door of a thread: what is raised here nobody hears, so that it is kept.
        except Exception as error:
            self.error = error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Leave nothing half done; what failed before is not hidden by what failed here."""
        if error is None:
            self.wait()
            return
        if self.thread is not None:
            self.thread.join()
        if isinstance(error, Exception) and not isinstance(error, RunError):
            self._rescue()

    def _rescue(self) -> None:
        """Save a state that an error has left whole. Several processes cannot agree to."""
        state = self.state
        if state is None or state.is_stepping or state.parallel is not None:
            return
        state.read()
        if not state.has_diverged:
            with suppress(RunError):
                self.save(state)
                self.wait()
