"""A network's weights as bytes: the safetensors format, which holds numbers and nothing else."""

import zlib
from pathlib import Path

import safetensors.torch
from torch import Tensor, nn

from thalweg._core.reading import read
from thalweg.errors import WeightsError


def bare(model: nn.Module) -> nn.Module:
    """Return the network inside a compiled one, whose names `torch.compile` puts a prefix to."""
    inner = getattr(model, "_orig_mod", model)
    return inner if isinstance(inner, nn.Module) else model


def to_bytes(tensors: dict[str, Tensor]) -> bytes:
    """Return tensors in the safetensors format, each a copy of its own on the host."""
    return safetensors.torch.save(
        {name: value.detach().cpu().contiguous().clone() for name, value in tensors.items()}
    )


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
