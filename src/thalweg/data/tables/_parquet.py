"""Parquet files, decoded in a process of their own.

Fuzzing found small files at which polars' decoder asks for exbibytes, and such a request that is
not met ends the whole process: a notebook, a training. So another one reads the file, with as
much memory as it may have and no more, and hands over the columns.
"""

import io
import os
import subprocess
import sys
from pathlib import Path

import polars as pl

from thalweg._core import formats, memory
from thalweg.errors import DataError

# Columns are there as the decoder has them, on their way, and here.
MEMORY_SHARE = 1 / 4
# Address space that the interpreter, polars and four threads of it reserve, and hardly use:
# measured as 0.8 GiB for two.
RESERVED = 3 * 2**29
THREADS = "4"
# A file that lets the decoder run in circles is given up. One of 49 MiB, 5 million rows of random
# numbers and words, took 7.2 s on a core that others used too: a busy machine has room.
SECONDS = 60.0
SECONDS_PER_MIB = 1.0
REFUSED = 3

_DECODE = f"""
import resource, sys
limit = int(sys.argv[1])
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
_, most = resource.getrlimit(resource.RLIMIT_AS)
try:
    if most == resource.RLIM_INFINITY or most > limit:
        resource.setrlimit(resource.RLIMIT_AS, (limit, most))
except (OSError, ValueError):
    pass  # macOS knows the limit and takes none.
import polars as pl
try:
    pl.read_parquet(sys.stdin.buffer.read()).write_ipc(sys.stdout.buffer)
except (pl.exceptions.PolarsError, OSError) as error:
    print((str(error).splitlines() or [type(error).__name__])[0], file=sys.stderr)
    raise SystemExit({REFUSED})
"""


def read_parquet(content: bytes, path: Path) -> pl.DataFrame:
    """Return the columns of a Parquet file.

    Args:
        content: Of the file.
        path: What messages call it.

    Raises:
        DataError: It is damaged, or its columns take too much memory or time.
    """
    room = int(MEMORY_SHARE * memory.available())
    patience = SECONDS + SECONDS_PER_MIB * len(content) / 2**20
    try:
        done = _decoded_apart(content, room, patience)
    except subprocess.TimeoutExpired as error:
        raise DataError(
            f"{path} is not a whole Parquet file, or this machine is very busy: its decoder had "
            f"not ended after {formats.seconds(patience)}. Write the file anew, or try again."
        ) from error
    except OSError as error:
        raise DataError(
            f"{path} cannot be read, since no process could be started for it: {error.strerror}."
        ) from error
    if done.returncode == 0:
        return pl.read_ipc(io.BytesIO(done.stdout))
    if done.returncode == REFUSED:
        reason = done.stderr.decode(errors="replace").strip()
    else:
        reason = f"its decoder gave up, with {formats.size(room)} of memory to itself"
    raise DataError(f"{path} is not a whole Parquet file: {formats.plain(reason)}.")


def _decoded_apart(
    content: bytes, room: int, patience: float
) -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run(
        # -P: what lies in the working folder is not imported.
        [sys.executable, "-P", "-c", _DECODE, str(RESERVED + room)],
        input=content,
        capture_output=True,
        check=False,
        timeout=patience,
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
            "POLARS_MAX_THREADS": THREADS,
        },
    )
