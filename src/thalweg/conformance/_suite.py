"""A suite: checks by name, each run on a case of its own."""

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import torch

from thalweg._core import formats, seeds
from thalweg._core.registry import did_you_mean
from thalweg.conformance._report import LONGEST, Conformance, Result
from thalweg.errors import SettingError

C = TypeVar("C")
T = TypeVar("T")


@dataclass(frozen=True)
class NotApplicable:
    """Why a check says nothing of this part."""

    reason: str


Verdict = str | NotApplicable | None
"""What came that breaks the promise; None where it is kept."""


@dataclass(frozen=True)
class Check(Generic[C]):
    """A promise and the function that examines it."""

    name: str
    promise: str
    """The function's own sentence."""
    remedy: str
    examine: Callable[[C], Verdict]
    is_gate: bool
    """Whether nothing else can be examined where this fails."""
    is_thorough: bool
    """Whether it takes seconds, so that it runs only when asked for."""


class Suite(Generic[C]):
    """The checks of one kind of part, in the order in which they are run.

    Args:
        noun: What is examined, for the reports: "network".
    """

    def __init__(self, noun: str) -> None:
        self.noun = noun
        self._checks: dict[str, Check[C]] = {}

    def __iter__(self) -> Iterator[Check[C]]:
        return iter(self._checks.values())

    def names(self) -> list[str]:
        """Return the names of all checks."""
        return list(self._checks)

    def check(
        self, remedy: str, *, is_gate: bool = False, is_thorough: bool = False
    ) -> Callable[[Callable[[C], Verdict]], Callable[[C], Verdict]]:
        """Return a decorator that files a function `check_…`; its sentence is the promise.

        Args:
            remedy: What to do where the check fails.
            is_gate: Whether nothing else can be examined then.
            is_thorough: Whether it runs only when asked for.
        """

        def file(examine: Callable[[C], Verdict]) -> Callable[[C], Verdict]:
            name = examine.__name__.removeprefix("check_").replace("_", "-")
            assert name not in self._checks, f"check {name!r} is filed twice"
            promise = (inspect.getdoc(examine) or "").split("\n")[0]
            assert promise.endswith("."), f"check {name!r} promises nothing"
            self._checks[name] = Check(name, promise, remedy, examine, is_gate, is_thorough)
            return examine

        return file

    def run(
        self,
        subject: str,
        make_case: Callable[[], C],
        expected_failures: Mapping[str, str] | None = None,
        thorough: bool = False,
    ) -> Conformance:
        """Return what every check finds, each on a new case.

        Args:
            subject: What is examined.
            make_case: Called once for each check, which may then spoil what it gets.
            expected_failures: Why a check may fail, by its name.
            thorough: Whether the slow checks run too.

        Raises:
            SettingError: An exemption names no check, or gives no reason.
        """
        expected = dict(expected_failures or {})
        self._refuse_unexplained(expected)
        results: list[Result] = []
        shut = ""
        for check in self:
            if shut:
                verdict: Verdict = NotApplicable(f"not examined, since {shut!r} failed")
            elif check.is_thorough and not thorough:
                verdict = NotApplicable("takes seconds; pass thorough=True")
            else:
                verdict = _verdict(check, make_case)
            results.append(_result(check, verdict, expected.get(check.name)))
            if check.is_gate and isinstance(verdict, str):
                shut = check.name
        return Conformance(subject, tuple(results))

    def _refuse_unexplained(self, expected: dict[str, str]) -> None:
        for name, reason in expected.items():
            if name not in self._checks:
                hint = did_you_mean(name, self._checks)
                raise SettingError(f"there is no check {formats.plain(repr(name))}. {hint}")
            if not isinstance(reason, str) or not reason.strip():
                raise SettingError(
                    f"an expected failure needs its reason: expected_failures={{{name!r}: "
                    f"'why'}}, got {formats.plain(repr(reason))}."
                )


def _verdict(check: Check[C], make_case: Callable[[], C]) -> Verdict:
    """Return what a check finds; an error of the part's own is a finding like any other."""
    with seeds.isolated(0, "conformance"), torch.enable_grad():
        return attempt(lambda: check.examine(make_case()))


def attempt(call: Callable[[], T]) -> T | str:
    """Return what a call returns, or its error in a line: what is examined is anybody's."""
    try:
        return call()
    except Exception as error:
        return told(error)


def told(error: Exception) -> str:
    r"""Return an error in a line.

    Example:
        >>> told(ValueError("too few\nmore of it"))
        'ValueError: too few.'
    """
    lines = str(error).strip().splitlines() or ["without a message"]
    return f"{type(error).__name__}: {lines[0].rstrip('.')}."


def _result(check: Check[Any], verdict: Verdict, reason: str | None) -> Result:
    def result(outcome: Any, came: str = "", remedy: str = "") -> Result:
        return Result(check.name, outcome, check.promise, formats.plain(came, LONGEST), remedy)

    if isinstance(verdict, NotApplicable):
        return result("not applicable", verdict.reason)
    if verdict is None:
        if reason is None:
            return result("passed")
        # An exemption that outlives its cause would hide the next one.
        came = f"the promise kept, though expected_failures says {reason!r}."
        return result("failed", came, "Remove the exemption.")
    if reason is not None:
        return result("exempt", reason)
    return result("failed", verdict, check.remedy)
