"""Tensors laid out in memory, and shared out over processes, as others are."""

from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

from thalweg.train._parallel import Parallel


def part(parallel: Parallel | None, like: Tensor | None, value: Tensor) -> Tensor:
    """Return what this process holds of a whole tensor, as one like it is held."""
    return value if parallel is None else parallel.part(like, value)


def laid_out(like: Tensor, value: Tensor) -> Tensor:
    """Return a copy with another tensor's memory layout and device, of its own type."""
    return torch.empty_like(like, dtype=value.dtype, requires_grad=False).copy_(value)


def beside_parameters(
    entries: dict[int, Any], optimizer: Optimizer, parallel: Parallel | None
) -> dict[int, Any]:
    """Copy an optimizer's tensors, each in the memory layout, and the part, of its parameter.

    Fused kernels walk parameter and state side by side and rely on it.
    """
    parameters = [each for group in optimizer.param_groups for each in group["params"]]
    for index, entry in entries.items():
        like = parameters[index]
        for name, value in entry.items():
            if isinstance(value, Tensor):
                has_shape = value.shape == like.shape
                own = part(parallel, like, value) if has_shape else value.clone()
                entry[name] = laid_out(like, own) if has_shape else own
    return entries
