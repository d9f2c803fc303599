"""What goes wrong, as one line and an exit code."""

import os
import sys
import traceback
from collections.abc import Callable

import typer

from thalweg._core import formats, launch, memory
from thalweg.errors import ProcessLostError, RunError, ThalwegError

SYSTEM = 1
"""The machine or a run's folder stood in the way; the same command may work later."""
USAGE = 2
"""The command, a setting or the data are wrong; the same command never works."""
DIVERGED = 3
"""Training ended because the loss was no longer a number."""
BUG = 70
"""Thalweg is wrong. The number is EX_SOFTWARE of sysexits.h."""
INTERRUPTED = 130
"""Ctrl-C: 128 + SIGINT, as shells have it."""


def exit_codes() -> str:
    """Return the meaning of the exit codes, for the help."""
    return (
        f"Exit codes: 0 done, {SYSTEM} the machine or a run's folder stood in the way (or verify "
        f"found a difference), {USAGE} the command, a setting or the data are wrong, {DIVERGED} "
        f"training diverged, {BUG} a bug in Thalweg, {INTERRUPTED} Ctrl-C, 143 SIGTERM."
    )


def guarded(run: Callable[[], int], *, debug: bool) -> int:
    """Run a command and return its exit code, whatever happens.

    Args:
        run: The command.
        debug: Whether to show the stack of an error before its line.
    """
    try:
        code = run()
        if sys.stdout is not None:  # As it is where nobody listens.
            sys.stdout.flush()
        return code
    except typer.Exit as end:
        return end.exit_code
    except KeyboardInterrupt:
        if launch.is_first():
            say("Interrupted.")
        return INTERRUPTED
    except BrokenPipeError:
        _silence()
        return SYSTEM
    # The last door: whoever types a command never sees a stack trace unasked.
    except Exception as error:
        if debug:
            traceback.print_exc()
        message, code = _explain(error)
        if launch.may_say(message, is_consequence=isinstance(error, ProcessLostError)):
            complain(message, noun="internal error" if code == BUG else "error")
        return code


def _explain(error: Exception) -> tuple[str, int]:
    """Return what to print and the exit code."""
    if isinstance(error, ThalwegError):
        return str(error), SYSTEM if isinstance(error, RunError) else USAGE
    if isinstance(error, typer.TyperException):
        return _usage(error), USAGE
    if isinstance(error, OSError):
        named = f": {error.filename}" if error.filename else ""
        return f"{error.strerror or error}{named}.", SYSTEM
    if memory.is_short(error):
        return "out of memory. Take fewer or smaller examples, or a smaller batch_size.", SYSTEM
    name = type(error).__name__
    return f"{name}: {error} (this is a bug in Thalweg; --debug shows where)", BUG


def _usage(error: typer.TyperException) -> str:
    """Return an error of the argument parser in our words."""
    context = getattr(error, "ctx", None)
    command = context.command_path if context else "thalweg"
    option = getattr(error, "option_name", None)
    near = getattr(error, "possibilities", None)
    if option is None or not error.format_message().startswith("No such option"):
        return f"{error.format_message().rstrip('.')}. See {command} --help."
    hint = f"Did you mean {near[0]!r}?" if near else f"See {command} --help."
    return f"unknown option {option!r} of {command}. {hint}"


def complain(message: str, noun: str = "error") -> None:
    """Print a line about what went wrong to standard error."""
    _to_stderr(message, noun)


def say(message: str) -> None:
    """Print a line that is not a result to standard error."""
    _to_stderr(message)


# Some messages list everything that is known; far longer ones are somebody's data.
LONGEST_LINE = 2000


def _to_stderr(message: str, noun: str | None = None) -> None:
    # Imported late: the help needs no console.
    from rich.console import Console
    from rich.text import Text

    line = formats.plain(" ".join(message.split()), longest=LONGEST_LINE)
    prefix = Text(f"{noun}: ", style="bold red") if noun else Text()
    Console(stderr=True, highlight=False).print(
        prefix.append(line, style="default"), soft_wrap=True
    )


def _silence() -> None:
    """Drop what is still to be written to a reader that has gone, at exit too."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
