"""An observer whose failure is not training's."""

from collections.abc import Callable

from thalweg._core import formats
from thalweg.train._state import State
from thalweg.train.observers._observer import Observer


class Isolated(Observer):
    """Tells another observer of events until it fails, and goes on without it.

    For those that only show something: a terminal that is gone is no reason to lose a training.

    Args:
        observer: Who is told.
        failed: Called once, with what it raised in a line.
    """

    def __init__(self, observer: Observer, failed: Callable[[str], None]) -> None:
        self.observer: Observer | None = observer
        self.failed = failed

    def start(self, state: State) -> None:
        self._tell("start", state)

    def step(self, state: State) -> None:
        self._tell("step", state)

    def epoch(self, state: State) -> None:
        self._tell("epoch", state)

    def end(self, state: State) -> None:
        self._tell("end", state)

    def _tell(self, event: str, state: State) -> None:
        if self.observer is not None and not isolated(
            lambda: getattr(self.observer, event)(state), self.failed
        ):
            self.observer = None


def isolated(call: Callable[[], object], failed: Callable[[str], None]) -> bool:
    """Call a function and return whether it succeeded; what it raised is handed over in a line."""
    try:
        call()
    except Exception as error:
        failed(formats.plain(f"{type(error).__name__}: {error}", longest=200))
        return False
    return True
