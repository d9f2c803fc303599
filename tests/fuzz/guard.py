"""What must hold of a reader, whatever it is given: a value or one of our errors, in bounds."""

import os
import resource
import signal
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from unittest import mock

import jaxtyping

from thalweg._core import memory
from thalweg.errors import LONGEST, ThalwegError

SECONDS = 5
"""Of the processor, for one input of a few kibibytes; sound ones take milliseconds."""
MEMORY = 2**31
"""Bytes of address space that one input may take beyond what the process has."""
AVAILABLE = 2**29
"""Bytes of memory that readers are told the machine has: well below what they may take."""

WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
CHANGES = ("os.remove", "os.rename", "os.mkdir", "os.rmdir", "os.link", "os.symlink", "os.truncate")
FORBIDDEN = (
    *("pickle.", "socket.", "subprocess.", "os.system", "os.exec", "os.posix_spawn", "os.fork"),
    *("ctypes.dlopen", "urllib."),
)


class BrokenPropertyError(Exception):
    """A reader did what no reader may."""


class TooSlow(BaseException):
    """A reader took more than its seconds."""


_scratch: str | None = None
_deeds: list[str] = []


def _listen(event: str, arguments: tuple) -> None:
    """Note what may not be done while an input is read."""
    if _scratch is None:
        return
    if event.startswith(FORBIDDEN):
        _deeds.append(event)
    elif event in CHANGES or (event == "open" and _writes(arguments[2])):
        _note(event, arguments[0])


def _writes(flags: object) -> bool:
    return isinstance(flags, int) and bool(flags & WRITES)


def _note(event: str, path: object) -> None:
    if isinstance(path, (str, bytes, os.PathLike)):
        name = str(Path(os.fsdecode(path)).absolute())
        if not f"{name}/".startswith(f"{_scratch}/") and name != os.devnull:
            _deeds.append(f"{event} {name}")


sys.addaudithook(_listen)


def hold(
    read: Callable[[bytes, Path], None], content: bytes, allowed: tuple[str, ...] = ()
) -> bool:
    """Let a reader have an input, and return whether it took it.

    Args:
        read: The reader.
        content: The input.
        allowed: What it may do nevertheless, by the names that auditing has for it.

    Raises:
        BrokenPropertyError: Its error is none of ours or not one printable line, or it wrote
            outside of its folder, opened a socket, unpickled or started something.
        TooSlow: It took more than its seconds.
        Exception: Any that it raised, other than ours.
    """
    with tempfile.TemporaryDirectory() as folder, _bounds(Path(folder)):
        taken = tried(read, content, Path(folder))
    if deeds := set(_deeds) - set(allowed):
        raise BrokenPropertyError(f"while reading: {sorted(deeds)}")
    return taken


def tried(act: Callable[..., object], *arguments: object, **options: object) -> bool:
    """Do something that may be refused, and return whether it was done.

    Raises:
        BrokenPropertyError: What it was refused with is not one printable line.
        Exception: Any that is none of ours.
    """
    try:
        act(*arguments, **options)
    except ThalwegError as error:
        said = str(error)
        if not said.isprintable() or not 10 < len(said) <= LONGEST:
            raise BrokenPropertyError(f"{type(error).__name__}: {said!r}") from error
        return False
    return True


@contextmanager
def _bounds(folder: Path) -> Iterator[None]:
    global _scratch
    with ExitStack() as stack:
        stack.enter_context(warnings.catch_warnings())
        warnings.simplefilter("error")
        stack.enter_context(mock.patch.object(memory, "available", lambda: AVAILABLE))
        stack.enter_context(_limited())
        # Users run without checks of types at calls.
        was = jaxtyping.config.jaxtyping_disable
        jaxtyping.config.update("jaxtyping_disable", True)
        stack.callback(jaxtyping.config.update, "jaxtyping_disable", was)
        stack.callback(os.chdir, Path.cwd())
        os.chdir(folder)
        _deeds.clear()
        _scratch, was_writing = str(folder.resolve()), sys.dont_write_bytecode
        sys.dont_write_bytecode = True
        try:
            yield
        finally:
            _scratch, sys.dont_write_bytecode = None, was_writing


@contextmanager
def _limited() -> Iterator[None]:
    """Bound processor, patience and address space within the block."""

    def stop(number: int, frame: object) -> None:
        raise TooSlow(f"more than {SECONDS} s of the processor, or ten times that waiting")

    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    timers = ((signal.ITIMER_PROF, signal.SIGPROF, SECONDS),)
    timers += ((signal.ITIMER_REAL, signal.SIGALRM, 10 * SECONDS),)
    before = [signal.signal(number, stop) for _, number, _ in timers]
    try:
        resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY, hard))
        for timer, _, seconds in timers:
            signal.setitimer(timer, seconds)
        yield
    finally:
        for timer, _, _ in timers:
            signal.setitimer(timer, 0)
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
        for (_, number, _), handler in zip(timers, before, strict=True):
            signal.signal(number, handler)
