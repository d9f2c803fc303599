"""What a person sees of work that takes long, where progress is shown."""

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

from thalweg._core import formats, launch

if TYPE_CHECKING:
    from rich.progress import Progress

# Work that is over sooner needs no bar.
SECONDS_BEFORE = 0.5
# Seconds between two plain lines when the output is not a terminal.
SECONDS_BETWEEN_LINES = 5.0
REDRAWS_PER_SECOND = 4

# None where nobody said: then a person at a terminal sees it, and a program's log does not.
_wanted: ContextVar[bool | None] = ContextVar("_wanted", default=None)


@contextmanager
def shown(is_shown: bool | None) -> Iterator[None]:
    """Show progress inside the block, or show none; None for what nobody has said."""
    token = _wanted.set(is_shown)
    try:
        yield
    finally:
        _wanted.reset(token)


def say(line: str) -> None:
    """Print a line on standard error, where progress is shown; of several processes, once."""
    if _is_shown() and launch.is_first():
        print(line, file=sys.stderr, flush=True)


@contextmanager
def counting(what: str, total: int) -> Iterator[Callable[[], None]]:
    """Show how much of some work is done: a bar in a terminal, a line now and then elsewhere.

    Args:
        what: What is done, as in "decoding pictures".
        total: Of how many.

    Returns:
        What to call, from any thread, whenever one more is done.

    Example:
        >>> with counting("decoding pictures", 3) as done:
        ...     done()
    """
    if not _is_shown():
        yield lambda: None
        return
    counter = _Counter(what, total)
    try:
        yield counter.advance
    finally:
        counter.close()


def _is_shown() -> bool:
    wanted = _wanted.get()
    return sys.stderr.isatty() if wanted is None else wanted


class _Counter:
    def __init__(self, what: str, total: int) -> None:
        self.what = what
        self.total = total
        self.done = 0
        self.bar: Progress | None = None
        self.began = time.monotonic()
        self.next = self.began + SECONDS_BEFORE
        self.lock = threading.Lock()

    def advance(self) -> None:
        with self.lock:
            self.done += 1
            now = time.monotonic()
            if now >= self.next:
                self._show(now)

    def close(self) -> None:
        if self.bar is not None:
            self.bar.update(self.task, completed=self.done, refresh=True)
            self.bar.stop()

    def _show(self, now: float) -> None:
        from rich.console import Console  # Late: who shows no progress need not wait for it.
        from rich.progress import BarColumn, Progress, TextColumn

        console = Console(stderr=True, highlight=False)
        if not console.is_terminal:
            left = formats.seconds((now - self.began) / self.done * (self.total - self.done))
            many = f"{formats.count(self.done)} of {formats.count(self.total)}"
            print(f"{self.what}: {many}  {left} left", file=sys.stderr, flush=True)
            self.next = now + SECONDS_BETWEEN_LINES
            return
        if self.bar is None:
            number = TextColumn("{task.completed:,.0f} of {task.total:,.0f}")
            columns = (TextColumn("{task.description}"), BarColumn(bar_width=28), number)
            self.bar = Progress(*columns, console=console, auto_refresh=False)
            self.task = self.bar.add_task(self.what, total=self.total)
            self.bar.start()
        self.bar.update(self.task, completed=self.done, refresh=True)
        self.next = now + 1 / REDRAWS_PER_SECOND
