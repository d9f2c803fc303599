"""Keeps the doctor's errors, and other threads, away from the loop."""

import functools
import os
import threading
from collections.abc import Callable
from typing import Any, TypeVar

from thalweg.doctor.record import Record

M = TypeVar("M", bound=Callable[..., Any])


class Guarded:
    """What is told of a loop, and must neither fail in it nor mistake another for it.

    Args:
        record: Where a failure is noted.
    """

    def __init__(self, record: Record) -> None:
        self.record = record
        self.thread, self.process = threading.get_ident(), os.getpid()
        self.is_busy = self.is_blind = False


def guarded(method: M) -> M:
    """Let no error of ours reach the loop: note it, and look no further.

    Nor is anything seen of other threads, of processes forked off, or of our own work.
    """

    @functools.wraps(method)
    def guarded_method(self: Guarded, *args: Any, **kwargs: Any) -> Any:
        if self.is_blind or self.is_busy:
            return None
        if threading.get_ident() != self.thread or os.getpid() != self.process:
            return None
        self.is_busy = True
        try:
            return method(self, *args, **kwargs)
        except Exception as error:  # Whatever it is, the training is worth more than its diagnosis.
            self.is_blind = True
            reason = f"the doctor failed in {method.__name__} ({type(error).__name__}: {error})"
            self.record.limits["all"] = reason.split("\n")[0]
            return None
        finally:
            self.is_busy = False

    return guarded_method  # type: ignore[return-value]
