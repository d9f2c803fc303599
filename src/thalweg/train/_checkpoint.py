"""Checkpoints: whole or invisible, checked when read, and never code.

A checkpoint is a folder, `step-000000120`, of three files: `tensors.safetensors`,
`state.json` and `history.jsonl`. It is written beside its place and renamed when
`state.json`, written last, holds the checksums of the other two and its own.
"""

import json
import re
import shutil
import zlib
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from torch import Tensor

from thalweg._core import files, seeds
from thalweg._core.history import History
from thalweg._core.reading import JSON_SHARE, read
from thalweg.errors import CheckpointError
from thalweg.train._state import Best, State
from thalweg.train._weights import bare, to_bytes

FORMAT = 1
"""Version of the layout. Files of this version stay readable by later ones."""
KEPT = 2
"""Checkpoints kept: the newest, and one to fall back on."""
FILES = ("tensors.safetensors", "history.jsonl", "state.json")
"""What a checkpoint consists of. `state.json` comes last and goes last."""
_NUMBERS = ("epoch", "batch", "step", "loss_sum", "weight_sum", "stale")
# Whoever puts a copy aside as step-000000120-good must find it untouched.
_NAME = re.compile(r"step-(\d{9,})")
_UNFINISHED = re.compile(r"\.step-\d{9,}\.partial")


def save(state: State, folder: Path) -> None:
    """Write the state into a new checkpoint and remove those no longer needed.

    Args:
        state: Between two steps.
        folder: The run's `checkpoint` folder; only checkpoints written here are ever removed.

    Raises:
        RunError: It could not be written. The checkpoints before it are untouched.
    """
    state.read()
    streams, plain_streams = seeds.state()
    tensors: dict[str, Tensor] = {f"streams/{name}": value for name, value in streams.items()}
    for name, value in bare(state.model).state_dict().items():
        tensors[f"model/{name}"] = value
    if state.best is not None:
        for name, value in state.best.weights.items():
            tensors[f"best/{name}"] = value
    optimizer = _flatten(state.optimizer.state_dict()["state"], "optimizer", tensors)
    contents = {
        "tensors.safetensors": to_bytes(tensors),
        "history.jsonl": "".join(f"{line}\n" for line in state.history.lines()).encode(),
    }
    plain = {
        "format": FORMAT,
        "checksums": {name: zlib.crc32(content) for name, content in contents.items()},
        "epoch": state.epoch,
        "batch": state.batch,
        "step": state.step,
        "loss_sum": state.loss_sum,
        "weight_sum": state.weight_sum,
        "best": None if state.best is None else [state.best.loss, state.best.epoch],
        "stale": state.stale,
        "optimizer": optimizer,
        "streams": plain_streams,
    }
    contents["state.json"] = json.dumps(sealed(plain)).encode()
    _write(folder, checkpoint_name(state.step), contents)
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
            plain, tensors, history = _read(path)
        except CheckpointError as error:
            damages.append(str(error))
            continue
        try:
            _apply(state, plain, tensors, history)
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


def sealed(plain: dict[str, Any]) -> dict[str, Any]:
    """Return plain data with a checksum of themselves, under the key "seal"."""
    content = {name: value for name, value in plain.items() if name != "seal"}
    return {**content, "seal": zlib.crc32(json.dumps(content, sort_keys=True).encode())}


def _write(folder: Path, name: str, contents: dict[str, bytes]) -> None:
    """Write a folder of files so that it appears whole or not at all."""
    final, beside = folder / name, folder / f".{name}.partial"
    with files.explained(final, needed=sum(map(len, contents.values()))):
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


def _read(path: Path) -> tuple[dict[str, Any], dict[str, Tensor], History]:
    """Return what a checkpoint holds, every byte checked.

    Raises:
        CheckpointError: A file is missing, cut short or altered; or it is of a later format.
    """
    try:
        plain = json.loads(read(path / "state.json", JSON_SHARE))
        if sealed(plain)["seal"] != plain["seal"]:
            raise ValueError("state.json was altered")
        if plain["format"] > FORMAT:
            raise CheckpointError(
                f"the checkpoint {path.name} has format {plain['format']}, this version of "
                f"Thalweg reads up to {FORMAT}. Upgrade Thalweg."
            )
        if not all(isinstance(plain[name], (int, float)) for name in _NUMBERS):
            raise ValueError("numbers are needed")
        # No other file is opened, whatever the state names.
        contents = {name: read(path / name) for name in FILES[:-1]}
        for name, content in contents.items():
            if zlib.crc32(content) != plain["checksums"][name]:
                raise ValueError(f"{name} was altered")
        history = History.from_lines(contents["history.jsonl"].decode().splitlines())
        return plain, safetensors.torch.load(contents["tensors.safetensors"]), history
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


def _apply(
    state: State, plain: dict[str, Any], tensors: dict[str, Tensor], history: History
) -> None:
    parts: dict[str, dict[str, Tensor]] = {"model": {}, "best": {}, "streams": {}}
    for name, value in tensors.items():
        part, _, rest = name.partition("/")
        if part in parts:
            parts[part][rest] = value
    model = bare(state.model)
    model.load_state_dict(parts["model"])
    state.optimizer.load_state_dict(
        {
            "state": _laid_out(_unflatten(plain["optimizer"], tensors), state),
            "param_groups": state.optimizer.state_dict()["param_groups"],
        }
    )
    own = model.state_dict()
    if plain["best"] is not None:
        loss, epoch = plain["best"]
        weights = {name: _like(own[name], value) for name, value in parts["best"].items()}
        state.best = Best(loss, epoch, weights)
    for name in _NUMBERS:
        setattr(state, name, plain[name])
    state.history = history
    seeds.restore(parts["streams"], plain["streams"])


def _laid_out(entries: dict[int, Any], state: State) -> dict[int, Any]:
    """Give each tensor of the optimizer the memory layout of its parameter.

    Fused kernels walk parameter and state side by side and rely on it.
    """
    parameters = [each for group in state.optimizer.param_groups for each in group["params"]]
    for index, entry in entries.items():
        like = parameters[index]
        for name, value in entry.items():
            if isinstance(value, Tensor) and value.shape == like.shape:
                entry[name] = _like(like, value)
    return entries


def _like(like: Tensor, value: Tensor) -> Tensor:
    return torch.empty_like(like, dtype=value.dtype, requires_grad=False).copy_(value)


def _flatten(tree: Any, path: str, tensors: dict[str, Tensor]) -> Any:
    """Return a nested structure as plain data, its tensors moved into `tensors` by path."""
    if isinstance(tree, Tensor):
        tensors[path] = tree
        return {"tensor": path}
    if isinstance(tree, dict):
        return {
            "keys": list(tree),
            "values": [_flatten(v, f"{path}/{k}", tensors) for k, v in tree.items()],
        }
    if isinstance(tree, (list, tuple)):
        return {"items": [_flatten(v, f"{path}/{i}", tensors) for i, v in enumerate(tree)]}
    return tree


def _unflatten(plain: Any, tensors: dict[str, Tensor]) -> Any:
    """Undo `_flatten`; tuples come back as lists."""
    if not isinstance(plain, dict):
        return plain
    if "tensor" in plain:
        return tensors[plain["tensor"]]
    if "items" in plain:
        return [_unflatten(each, tensors) for each in plain["items"]]
    values = [_unflatten(each, tensors) for each in plain["values"]]
    return dict(zip(plain["keys"], values, strict=True))
