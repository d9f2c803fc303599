"""What a check is, and how it joins the others."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from thalweg.doctor._finding import Finding
from thalweg.doctor.record import Record


@dataclass(frozen=True)
class Unchecked:
    """A check could not judge."""

    reason: str


@dataclass(frozen=True)
class Note:
    """A hint that is no finding."""

    text: str


Answer = Finding | Unchecked | Note
Check = Callable[[Record], Iterator[Answer]]

CHECKS: dict[str, Check] = {}
"""Every check, by the fault that it looks for."""

EXPLAINS: dict[str, tuple[str, ...]] = {}
"""Faults that a fault accounts for, besides what causes account for anyway: later stages."""


def check(fault: str, explains: tuple[str, ...] = ()) -> Callable[[Check], Check]:
    """Return a decorator that makes a function the check for a fault.

    A check is a pure function of the record: plain numbers in, findings out, no torch.
    """

    def register(function: Check) -> Check:
        assert fault not in CHECKS, f"two checks for {fault}"
        CHECKS[fault] = function
        EXPLAINS[fault] = explains
        return function

    return register
