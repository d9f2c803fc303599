"""Randomness: one seed, separate named streams, no global state left changed."""

import hashlib
import json
import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor


def derive(seed: int, *stream: str | int) -> int:
    """Return the seed of a named stream: 63 bits, well mixed.

    Streams with different names are independent, so that drawing more numbers
    for one purpose never shifts another.

    Example:
        >>> derive(0, "order", 1) == derive(0, "order", 1) != derive(0, "order", 2)
        True
    """
    text = "/".join(str(part) for part in (seed, *stream))
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest()) >> 1


def generator(seed: int, *stream: str | int) -> torch.Generator:
    """Return a generator of its own for a named stream, on the CPU."""
    return torch.Generator().manual_seed(derive(seed, *stream))


def numpy_generator(seed: int, *stream: str | int) -> np.random.Generator:
    """Return NumPy's counterpart of `generator`."""
    return np.random.default_rng(derive(seed, *stream))


@contextmanager
def isolated(seed: int, *stream: str | int) -> Iterator[None]:
    """Seed the global generators inside the block and put them back after it.

    Covers `torch` (the CPU and every CUDA device), NumPy's and Python's own, since
    layers such as dropout and users' modules draw from those.
    """
    devices = range(torch.cuda.device_count())
    python, numpy = random.getstate(), np.random.get_state()
    with torch.random.fork_rng(devices=devices):
        value = derive(seed, *stream)
        torch.manual_seed(value)
        random.seed(value)
        np.random.seed(value % 2**32)
        try:
            yield
        finally:
            random.setstate(python)
            np.random.set_state(numpy)


def state() -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Return the state of the global generators: tensors, and plain data."""
    kind, keys, position, has_gauss, cached = np.random.get_state()
    version, internal, gauss = random.getstate()
    tensors = {"torch": torch.get_rng_state()}
    for index in range(torch.cuda.device_count()):
        tensors[f"cuda.{index}"] = torch.cuda.get_rng_state(index)
    plain = {
        "numpy": [kind, [int(key) for key in keys], int(position), int(has_gauss), float(cached)],
        "python": [version, list(internal), gauss],
    }
    return tensors, plain


def to_text() -> str:
    """Return the state of the global generators as one line of JSON."""
    tensors, plain = state()
    return json.dumps([{name: bytes(each.tolist()).hex() for name, each in tensors.items()}, plain])


def from_text(text: str) -> None:
    """Put the global generators back into a state that `to_text` returned."""
    tensors, plain = json.loads(text)
    restore(
        {
            name: torch.tensor(list(bytes.fromhex(each)), dtype=torch.uint8)
            for name, each in tensors.items()
        },
        plain,
    )


def restore(tensors: dict[str, Tensor], plain: dict[str, Any]) -> None:
    """Put the global generators back into a state that `state` returned."""
    torch.set_rng_state(tensors["torch"])
    for index in range(torch.cuda.device_count()):
        if f"cuda.{index}" in tensors:
            torch.cuda.set_rng_state(tensors[f"cuda.{index}"], index)
    kind, keys, position, has_gauss, cached = plain["numpy"]
    np.random.set_state((kind, np.array(keys, dtype=np.uint32), position, has_gauss, cached))
    version, internal, gauss = plain["python"]
    random.setstate((version, tuple(internal), gauss))
