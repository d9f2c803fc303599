"""A folder for each run of an estimator, or none."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from thalweg._api import next_folder
from thalweg._core import files


@contextmanager
def new_folder(parent: str | Path | None, source: str) -> Iterator[Path | Literal[False]]:
    """Yield a new folder that no other process takes; False where runs stay in memory.

    Left empty, it is gone afterwards.

    Args:
        parent: Where to make it.
        source: What the data are, after which it is called.

    Raises:
        RunError: It cannot be made.
    """
    if parent is None:
        yield False
        return
    with files.explained(Path(parent)):
        files.make_folder(Path(parent))
    while True:
        folder = next_folder(source, Path(parent))
        try:
            folder.mkdir()
            break
        except FileExistsError:  # Another process took it a moment ago.
            continue
    try:
        yield folder
    finally:
        if not any(folder.iterdir()):
            folder.rmdir()
