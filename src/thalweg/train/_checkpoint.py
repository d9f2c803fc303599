"""Checkpoints: whole or invisible, checked when read, and never code.

A checkpoint is a folder, `step-000000120`, of three files: `tensors.safetensors`,
`state.json` and `history.jsonl`. It is written beside its place and renamed when
`state.json`, written last, holds the checksums of the other two and its own.
"""

import json
import re
import shutil
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import safetensors.torch

from thalweg._core import files
from thalweg._core.history import History
from thalweg._core.reading import JSON_SHARE, read
from thalweg._core.seals import sealed
from thalweg.errors import CheckpointError
from thalweg.train._snapshot import NUMBERS, Snapshot, put_back, take
from thalweg.train._state import State
from thalweg.train._weights import to_buffers

FORMAT = 1
"""Version of the layout. Files of this version stay readable by later ones."""
KEPT = 2
"""Checkpoints kept: the newest, and one to fall back on."""
FILES = ("tensors.safetensors", "history.jsonl", "state.json")
"""What a checkpoint consists of. `state.json` comes last and goes last."""
PLANNED = ("data", "model", "task", "train")
"""Sections of the settings that a checkpoint holds."""
# Whoever puts a copy aside as step-000000120-good must find it untouched.
_NAME = re.compile(r"step-(\d{9,})")
_UNFINISHED = re.compile(r"\.step-\d{9,}\.partial")


def save(state: State, folder: Path) -> None:
    """Write the state into a new checkpoint and remove those no longer needed.

    Of several processes, all call it and the first one writes.

    Args:
        state: Between two steps.
        folder: The run's `checkpoint` folder; only checkpoints written here are ever removed.

    Raises:
        RunError: It could not be written. The checkpoints before it are untouched.
    """
    snapshot = take(state)
    if state.is_writer:
        write(snapshot, folder)


def write(snapshot: Snapshot, folder: Path) -> None:
    """Write a snapshot into a new checkpoint and remove those no longer needed.

    Nothing of the state is looked at, so that training may go on meanwhile.

    Args:
        snapshot: Of the run's state.
        folder: As for `save`.

    Raises:
        RunError: As `save`.
    """
    lines = "".join(f"{line}\n" for line in snapshot.history.lines())
    contents: dict[str, list[bytes | memoryview]] = {
        "tensors.safetensors": to_buffers(snapshot.tensors),
        "history.jsonl": [lines.encode()],
    }
    plain = {
        "format": FORMAT,
        "checksums": {name: _checksum(content) for name, content in contents.items()},
        **snapshot.plain,
    }
    contents["state.json"] = [json.dumps(sealed(plain)).encode()]
    _write(folder, checkpoint_name(snapshot.step), contents)
    _prune(folder)


def checkpoint_name(step: int) -> str:
    """Return the name of a checkpoint's folder; names sort as steps do."""
    return f"step-{step:09d}"


def checkpoints(folder: Path) -> list[Path]:
    """Return the complete checkpoints of a run, newest first by step."""
    found = [
        (int(name[1]), path.parent)
        for path in folder.glob("step-*/state.json")
        if (name := _NAME.fullmatch(path.parent.name))
    ]
    return [path for _, path in sorted(found, reverse=True)]


def restore(state: State, folder: Path) -> list[str]:
    """Put the state back as the newest intact checkpoint has it.

    Args:
        state: With a network and an optimizer made as they were for the run.
        folder: The run's `checkpoint` folder.

    Returns:
        One notice per checkpoint that was damaged and passed over.

    Raises:
        CheckpointError: None is intact.
    """
    damages = []
    for path in checkpoints(folder):
        try:
            snapshot = _read(path)
        except CheckpointError as error:
            damages.append(str(error))
            continue
        try:
            put_back(state, snapshot)
        except _DAMAGES as error:
            raise CheckpointError(
                f"the checkpoint {path.name} does not fit the network and the optimizer of the "
                f"run ({_told(error)}). Hand over a network made as it was for the run."
            ) from error
        return [f"{damage} Using the one before it." for damage in damages]
    found = " ".join(damages) or "There is none."
    raise CheckpointError(
        f"no intact checkpoint in {folder}: {found} Train again from its config.toml."
    )


def note_shortages(folder: Path, shortages: list[int]) -> None:
    """Write into the checkpoints at which steps memory was too small, before any is taken again.

    Killed before the next checkpoint, a run would else take those steps as if there were enough.

    Args:
        folder: The run's `checkpoint` folder.
        shortages: As `State` has them.

    Raises:
        RunError: They cannot be written.
    """
    for path in checkpoints(folder):
        try:
            with _named(path):
                plain = _plain(path)
        except CheckpointError:
            continue
        content = json.dumps(sealed({**plain, "shortages": shortages}))
        files.write_atomically(path / "state.json", content)


def settings(folder: Path) -> dict[str, dict[str, Any]]:
    """Return what the training of the newest checkpoint was planned with, by section.

    Nothing if that is unknown.
    """
    for path in checkpoints(folder):
        try:
            with _named(path):
                found = _plain(path)["settings"]
                if "train" not in found:  # Checkpoints of earlier versions have that alone.
                    found = {"train": found}
                return {name: dict(found[name]) for name in PLANNED if found.get(name)}
        except CheckpointError:
            continue
    return {}


def _checksum(content: list[bytes | memoryview]) -> int:
    value = 0
    for each in content:
        value = zlib.crc32(each, value)
    return value


def _write(folder: Path, name: str, contents: dict[str, list[bytes | memoryview]]) -> None:
    """Write a folder of files so that it appears whole or not at all."""
    final, beside = folder / name, folder / f".{name}.partial"
    needed = sum(len(each) for content in contents.values() for each in content)
    with files.explained(final, needed):
        shutil.rmtree(beside, ignore_errors=True)
        try:
            beside.mkdir(parents=True)
            for each, content in contents.items():
                files.write_atomically(beside / each, content)
            if final.exists():
                # Of the same step, or damaged. Somebody may have put a file of their own there.
                for each in FILES:
                    (beside / each).replace(final / each)
                files.flush_folder(final)
            else:
                beside.rename(final)
            files.flush_folder(folder)
        finally:
            shutil.rmtree(beside, ignore_errors=True)


def _prune(folder: Path) -> None:
    """Remove the checkpoints that are no longer needed, and what killed processes left.

    Nothing goes that was not written here: a folder with files of others keeps those.
    """
    kept = checkpoints(folder)[:KEPT]
    with files.explained(folder):
        for path in list(folder.iterdir()):
            if path.is_symlink() or not path.is_dir() or path in kept:
                continue
            if _UNFINISHED.fullmatch(path.name):
                shutil.rmtree(path)
            elif _NAME.fullmatch(path.name):
                for each in FILES:
                    (path / each).unlink(missing_ok=True)
                if not any(path.iterdir()):
                    path.rmdir()


def _read(path: Path) -> Snapshot:
    """Return what a checkpoint holds, every byte checked.

    Raises:
        CheckpointError: A file is missing, cut short or altered; or it is of a later format.
    """
    with _named(path):
        plain = _plain(path)
        # No other file is opened, whatever the state names.
        contents = {name: read(path / name) for name in FILES[:-1]}
        for name, content in contents.items():
            if zlib.crc32(content) != plain["checksums"][name]:
                raise ValueError(f"{name} was altered")
        history = History.from_lines(contents["history.jsonl"].decode().splitlines())
        return Snapshot(plain, safetensors.torch.load(contents["tensors.safetensors"]), history)


def _plain(path: Path) -> dict[str, Any]:
    """Return what a checkpoint's `state.json` holds."""
    plain = json.loads(read(path / "state.json", JSON_SHARE))
    if sealed(plain)["seal"] != plain["seal"]:
        raise ValueError("state.json was altered")
    if plain["format"] > FORMAT:
        raise CheckpointError(
            f"the checkpoint {path.name} has format {plain['format']}, this version of "
            f"Thalweg reads up to {FORMAT}. Upgrade Thalweg."
        )
    if not all(isinstance(plain[name], (int, float)) for name in NUMBERS):
        raise ValueError("numbers are needed")
    return plain


@contextmanager
def _named(path: Path) -> Iterator[None]:
    """Turn what reading a damaged checkpoint raises into ours, with its name."""
    try:
        yield
    except CheckpointError:
        raise
    except _DAMAGES as error:
        raise CheckpointError(f"the checkpoint {path.name} is damaged ({_told(error)}).") from error


# What reading may meet in a file that was altered, by accident or on purpose.
_DAMAGES = (
    *(OSError, ValueError, KeyError, TypeError, AttributeError, IndexError, RuntimeError),
    *(OverflowError, RecursionError, safetensors.SafetensorError),
)


def _told(error: Exception) -> str:
    """Return the first line of what an error says, or its kind where it says nothing."""
    return str(error).strip().split("\n")[0] or type(error).__name__
