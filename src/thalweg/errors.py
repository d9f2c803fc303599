"""Every error that Thalweg raises on purpose.

Each is also the builtin that a reader of Python would expect, and its message
is one line: what was needed, what came, and what to do. Whatever names it quotes,
it can be printed: a file may be called anything, and so may a column.

ThalwegError
├── DataError (ValueError)               the data cannot be used as they are
│   └── DataNotFoundError (FileNotFoundError)   no such file, folder or data set
├── ShapeError (ValueError)              a tensor does not have the shape that fits
├── SettingError (ValueError)            a setting is unknown, of the wrong type, or out of range
│   └── UnknownNameError (LookupError)   nothing is registered under that name
├── WeightsError (ValueError)            a file of weights does not fit the network
├── MissingExtraError (ImportError)      an optional dependency is not installed
├── ConformanceError (AssertionError)    a part does not keep what it promises
└── RunError (RuntimeError)              a run cannot be read, written, resumed or gone on with
    ├── RunLockedError (BlockingIOError)     another process is writing to the run
    ├── CheckpointError (OSError)            a checkpoint is damaged or could not be saved
    ├── ProcessLostError (ConnectionError)   another process of the same training has ended
    ├── RunMismatchError (ValueError)        the run was made with something else
    └── MemoryShortageError (MemoryError)    a step needs more memory than there is
"""

LONGEST = 2000
"""Characters of a message; a longer one is somebody's data."""


class ThalwegError(Exception):
    """The root of the tree."""

    def __str__(self) -> str:
        said = super().__str__()
        if len(said) > LONGEST:
            said = f"{said[: LONGEST - 1]}…"
        return "".join(char if char.isprintable() else "?" for char in said)


class DataError(ThalwegError, ValueError):
    """The data cannot be used as they are."""


class DataNotFoundError(DataError, FileNotFoundError):
    """There is no file, folder or builtin data set of that name."""


class ShapeError(ThalwegError, ValueError):
    """A tensor does not have the shape that fits."""


class SettingError(ThalwegError, ValueError):
    """A setting is unknown, of the wrong type, or out of range."""


class UnknownNameError(SettingError, LookupError):
    """Nothing is registered under that name."""


class WeightsError(ThalwegError, ValueError):
    """A file of weights does not fit the network."""


class MissingExtraError(ThalwegError, ImportError):
    """An optional dependency is not installed."""


class ConformanceError(ThalwegError, AssertionError):
    """A part does not keep what it promises."""


class RunError(ThalwegError, RuntimeError):
    """A run cannot be read, written or resumed."""


class RunLockedError(RunError, BlockingIOError):
    """Another process is writing to the run."""


class CheckpointError(RunError, OSError):
    """A checkpoint is damaged or could not be saved."""


class ProcessLostError(RunError, ConnectionError):
    """Another process of the same training has ended."""


class RunMismatchError(RunError, ValueError):
    """The run was made with other settings, data or versions."""


class MemoryShortageError(RunError, MemoryError):
    """A step needs more memory than there is, however finely its batch is cut."""
