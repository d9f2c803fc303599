"""Keeps the doctor's errors, and other threads, away from the loop."""

import functools
import os
import weakref
from collections.abc import Callable
from threading import get_ident
from typing import Any, TypeVar

from thalweg.doctor.record import Record

M = TypeVar("M", bound=Callable[..., Any])


class Guarded:
    """What is told of a loop, and must neither fail in it nor mistake another for it.

    Args:
        record: Where a failure is noted.
    """

    def __init__(self, record: Record) -> None:
        super().__init__()
        self.record = record
        self.hears: int | None = get_ident()
        """The thread that is listened to; None while at work, after a failure, and in processes
        that were forked off."""
        _guarded.add(self)


_guarded: weakref.WeakSet[Guarded] = weakref.WeakSet()


def _go_deaf() -> None:
    for each in _guarded:
        each.hears = None


os.register_at_fork(after_in_child=_go_deaf)


def guarded(method: M) -> M:
    """Let no error of ours reach the loop: note it, and look no further.

    Nor is anything seen of other threads, of processes forked off, or of our own work.
    """

    @functools.wraps(method)
    def guarded_method(self: Guarded, *args: Any) -> Any:
        thread: int | None = get_ident()
        if thread != self.hears:
            return None
        self.hears = None
        try:
            return method(self, *args)
        except Exception as error:  # Whatever it is, the training is worth more than its diagnosis.
            thread = None
            reason = f"the doctor failed in {method.__name__} ({type(error).__name__}: {error})"
            self.record.limits["all"] = reason.split("\n")[0]
            return None
        finally:
            self.hears = thread

    return guarded_method  # type: ignore[return-value]
