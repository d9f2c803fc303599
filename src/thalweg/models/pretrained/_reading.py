"""Files of weights, of which nothing is ever run."""

import pickle  # Only for the name of the error that torch raises.
import re
import struct
import warnings
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch
from torch import Tensor

from thalweg._core import formats, memory
from thalweg._core.reading import TENSORS_SHARE, read
from thalweg.errors import WeightsError
from thalweg.models.pretrained._archive import check_archive

# What people wrap a state dict in.
WRAPPERS = ("state_dict", "model_state_dict", "model", "net")

# What a refused file would have called, in torch's words.
CALLED = re.compile(r"GLOBAL ([\w.]+)")


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Return the tensors of a file by name, on the host.

    Reads safetensors, and what `torch.save` wrote of a state dict (.pth, .pt), alone or under a
    usual name such as "state_dict". Of the latter torch builds tensors and plain containers and
    refuses everything else, so that a file can run nothing.

    Args:
        path: The file.

    Raises:
        WeightsError: There is no such file, it is damaged, or it holds something else.
    """
    if path.is_dir():
        raise WeightsError(
            f"{formats.plain(path)} is a folder. Name the file in it, such as weights.safetensors."
        )
    try:
        content = _safetensors(path) if _is_safetensors(path) else _saved(path)
    except pickle.UnpicklingError as error:
        wanted = CALLED.search(str(error))
        if wanted is None:
            raise WeightsError(
                f"{formats.plain(path)} is damaged, or was not written by torch.save as it does by "
                "itself, by pickle's protocol 2. Fetch it again, or ask for a .safetensors file."
            ) from None
        raise WeightsError(
            f"{formats.plain(path)} holds more than tensors: reading it as its writer meant would "
            f"call {formats.plain(wanted[1])}. Nothing was called. Ask for a .safetensors file."
        ) from None
    except OSError as error:
        reason = error.strerror or str(error)
        raise WeightsError(f"cannot read {formats.plain(path)}: {reason}.") from None
    except (
        ArithmeticError,
        AssertionError,
        AttributeError,
        EOFError,
        ImportError,
        LookupError,
        MemoryError,
        RuntimeError,
        TypeError,
        ValueError,
        safetensors.SafetensorError,
        struct.error,
        zipfile.BadZipFile,
    ) as error:
        # The first sentence; torch adds advice that is none.
        reason = re.split(r"\n|\.\s", str(error))[0].rstrip(".") or type(error).__name__
        raise WeightsError(
            f"{formats.plain(path)} is damaged: {formats.plain(reason, longest=200)}. "
            "Fetch or write it again."
        ) from None
    return dict(_unwrapped(content, path))


def _is_safetensors(path: Path) -> bool:
    """Return whether a file is, by its name or by its first byte after the length of its head."""
    with path.open("rb") as file:
        return path.suffix.lower() == ".safetensors" or file.read(9)[8:] == b"{"


def _safetensors(path: Path) -> Any:
    return safetensors.torch.load(read(path))


def _saved(path: Path) -> Any:
    if path.stat().st_size > TENSORS_SHARE * memory.available():
        raise OSError(f"{formats.size(path.stat().st_size)} do not fit into memory")
    check_archive(path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Of protocols that it has not met; it reads them or not.
        return torch.load(path, map_location="cpu", weights_only=True)


def _unwrapped(content: Any, path: Path) -> Mapping[str, Tensor]:
    if isinstance(content, Mapping):
        for name in WRAPPERS:
            if isinstance(content.get(name), Mapping):
                content = content[name]
                break
    is_state = isinstance(content, Mapping) and bool(content)
    if not is_state or not all(
        isinstance(name, str) and isinstance(value, Tensor) for name, value in content.items()
    ):
        raise WeightsError(
            f"{formats.plain(path)} must hold tensors by name, a network's state_dict(); it holds "
            f"{_kind(content)}."
        )
    return content


def _kind(content: Any) -> str:
    if not isinstance(content, Mapping):
        return f"an object of type {type(content).__name__}"
    others = [
        name
        for name, value in content.items()
        if not (isinstance(name, str) and isinstance(value, Tensor))
    ]
    return f"other things, such as {formats.plain(repr(others[0]))}" if others else "nothing"
