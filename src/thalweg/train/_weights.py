"""A network's weights as bytes: the safetensors format, which holds numbers and nothing else."""

import functools
import json
import zlib
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from torch import Tensor, nn

from thalweg._core.reading import read
from thalweg.errors import WeightsError


def bare(model: nn.Module) -> nn.Module:
    """Return the network inside a compiled one, whose names `torch.compile` puts a prefix to."""
    inner = getattr(model, "_orig_mod", model)
    return inner if isinstance(inner, nn.Module) else model


def to_host(value: Tensor, *, copy: bool = False) -> Tensor:
    """Return a tensor on the host, its numbers side by side.

    Args:
        value: On any device, in any layout.
        copy: Whether to copy it even if it is as wanted already.
    """
    value = value.detach()
    if copy or value.device.type != "cpu" or not value.is_contiguous():
        return torch.empty(value.shape, dtype=value.dtype).copy_(value)
    return value


def to_buffers(tensors: dict[str, Tensor]) -> list[bytes | memoryview]:
    """Return tensors in the safetensors format, as pieces to be written one after the other.

    The library's own writer gives the same in one piece, for the price of two more copies of
    everything, and lets no other thread run while it makes one of them.

    Args:
        tensors: As `to_host` returns them; the pieces are views of them.
    """
    header: dict[str, Any] = {}
    end, pieces = 0, []
    for name, value in tensors.items():
        begin, end = end, end + value.nbytes
        header[name] = {
            "dtype": _type_name(value.dtype),
            "shape": list(value.shape),
            "data_offsets": [begin, end],
        }
        if value.nbytes:
            numbers: Any = value.reshape(-1).view(torch.uint8).numpy()  # Of no declared type.
            pieces.append(memoryview(numbers))
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)  # The format has the numbers begin at a multiple of eight.
    return [len(text).to_bytes(8, "little") + text, *pieces]


@functools.cache
def _type_name(dtype: torch.dtype) -> str:
    """Return the name of a type in the format: the library is asked, with an empty tensor."""
    content = safetensors.torch.save({"x": torch.empty(0, dtype=dtype)})
    return json.loads(content[8:])["x"]["dtype"]


def to_bytes(tensors: dict[str, Tensor]) -> bytes:
    """Return tensors in the safetensors format."""
    return b"".join(to_buffers({name: to_host(value) for name, value in tensors.items()}))


def load_weights(model: nn.Module, path: Path, checksum: int | None = None) -> None:
    """Put the weights of a safetensors file into a network.

    Args:
        model: The network that they were saved from, or one of the same shape.
        path: The file.
        checksum: CRC-32 of the file, where it is known.

    Raises:
        WeightsError: The file is damaged, or names or shapes differ; the first is told.
    """
    try:
        content = read(path)
        weights = safetensors.torch.load(content)
    except KeyError as error:
        raise WeightsError(
            f"the weights in {path} have a type that torch lacks: {error}."
        ) from None
    except (OSError, ValueError, safetensors.SafetensorError) as error:
        raise WeightsError(f"cannot read the weights in {path}: {error}.") from None
    if checksum is not None and zlib.crc32(content) != checksum:
        raise WeightsError(
            f"the weights in {path} were altered since they were saved. Resume the run from its "
            "checkpoint, or train it again from its config.toml."
        )
    model = bare(model)
    own = model.state_dict()
    for name in [*own, *weights]:
        needed = tuple(own[name].shape) if name in own else None
        found = tuple(weights[name].shape) if name in weights else None
        if needed != found:
            raise WeightsError(
                f"the weights in {path} do not fit the network: {name!r} needs shape {needed}, "
                f"the file has {found}. Use the network that they were saved from."
            )
    model.load_state_dict(weights)
