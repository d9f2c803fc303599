import errno
import os
import subprocess
import sys

import pytest
import typer

from thalweg.cli._failures import complain, guarded
from thalweg.errors import DataNotFoundError, RunError, RunLockedError, SettingError


def fail_with(error):
    def run():
        raise error

    return run


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (SettingError("epochs must be more."), 2, "error: epochs must be more."),
        (DataNotFoundError("there is no file."), 2, "error: there is no file."),
        (RunError("not a run."), 1, "error: not a run."),
        (RunLockedError("in use."), 1, "error: in use."),
        (
            PermissionError(errno.EACCES, os.strerror(errno.EACCES), "x.csv"),
            1,
            "error: Permission denied: x.csv.",
        ),
        (
            OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)),
            1,
            "error: No space left on device.",
        ),
        (MemoryError(), 1, "error: out of memory."),
        (
            RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to …"),
            1,
            "error: out of memory.",
        ),
        (TypeError("a\nb"), 70, "internal error: TypeError: a b (this is a bug in Thalweg;"),
        (KeyboardInterrupt(), 130, "Interrupted."),
    ],
)
def test_each_failure_is_one_line_and_a_code(error, code, line, capsys):
    assert guarded(fail_with(error), debug=False) == code
    out, err = capsys.readouterr()
    assert not out
    assert err.startswith(line)
    assert err.count("\n") == 1


def test_debug_shows_where(capsys):
    assert guarded(fail_with(SettingError("no.")), debug=True) == 2
    err = capsys.readouterr().err
    assert "Traceback" in err
    assert "raise error" in err
    assert err.endswith("error: no.\n")


def test_an_exit_code_passes_through():
    assert guarded(fail_with(typer.Exit(3)), debug=False) == 3
    assert guarded(lambda: 3, debug=False) == 3


def test_a_message_keeps_its_brackets_and_loses_its_control_characters(capsys):
    complain("[red]x[/red] \x1b[31m " + "long " * 60)
    err = capsys.readouterr().err
    assert err.startswith("error: [red]x[/red] ?[31m long")
    assert err.count("\n") == 1


def test_a_reader_that_goes_away_is_no_news():
    code = (
        "import sys\n"
        "from thalweg.cli._failures import guarded\n"
        "sys.exit(guarded(lambda: print('x' * 10**6) or 0, debug=False))"
    )
    reader = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert reader.stdout is not None
    assert reader.stderr is not None
    reader.stdout.close()
    assert reader.stderr.read() == b""
    reader.stderr.close()
    assert reader.wait(600) == 1
