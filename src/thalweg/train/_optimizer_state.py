"""Whether what was kept of an optimizer is what it keeps.

Fused kernels walk parameter and averages side by side without looking at sizes: an average of
another size, in a checkpoint that was tampered with, would be read and written past its end.
"""

from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

# Distinct, so that an average over one axis is told from the others.
SIDES = (2, 3, 4, 5, 6, 7)


def check_entries(entries: dict[int, dict[str, Any]], optimizer: Optimizer) -> None:
    """Refuse entries unlike those that a step of the optimizer leaves.

    Args:
        entries: What was kept, by the number of the parameter.
        optimizer: Whose it is to become. Searches along a line keep lists of any length, and are
            done step by step, so that they are not examined.

    Raises:
        ValueError: Something is missing or too much, or of another kind, type or size.
    """
    if isinstance(optimizer, torch.optim.LBFGS):
        return
    owned = [(each, group) for group in optimizer.param_groups for each in group["params"]]
    patterns: dict[tuple[int, int], tuple[Tensor, dict[str, Any]]] = {}
    for number, entry in entries.items():
        parameter, group = owned[number]
        kind = id(group), parameter.ndim
        if kind not in patterns:
            patterns[kind] = _pattern(parameter, group, optimizer)
        small, pattern = patterns[kind]
        if set(entry) != set(pattern):
            raise ValueError(
                f"the optimizer keeps {', '.join(sorted(pattern))} of parameter {number}, "
                f"got {', '.join(sorted(map(str, entry))) or 'nothing'}"
            )
        for name, value in entry.items():
            if wanted := _misses(value, parameter, pattern[name], small):
                raise ValueError(
                    f"the optimizer's {name} of parameter {number} must be {wanted}, "
                    f"got {_told(value)}"
                )


def _pattern(
    parameter: Tensor, group: dict[str, Any], optimizer: Optimizer
) -> tuple[Tensor, dict[str, Any]]:
    """Return a small parameter like this one, and what a step of it leaves."""
    sides = SIDES[: parameter.ndim] + (1,) * (parameter.ndim - len(SIDES))
    small = torch.nn.Parameter(torch.ones(sides, dtype=parameter.dtype, device=parameter.device))
    small.grad = torch.ones_like(small)
    twin = type(optimizer)([{**group, "params": [small]}])  # pyright: ignore[reportCallIssue]
    twin.step()
    return small, dict(twin.state[small])


def _misses(value: Any, parameter: Tensor, like: Any, small: Tensor) -> str | None:
    """Return what an entry must be where it is not that."""
    if not isinstance(like, Tensor):
        is_alike = isinstance(value, type(like)) or value is None or like is None
        return None if is_alike and not isinstance(value, (Tensor, list, dict)) else "a number"
    if not isinstance(value, Tensor):
        return "a tensor"
    # One axis may be gone, or be one long, as in Adafactor's averages over rows and columns.
    shape = tuple(parameter.shape) if like.shape == small.shape else None
    if like.numel() == 1:
        shape = tuple(like.shape)
    has_shape = value.ndim == like.ndim if shape is None else tuple(value.shape) == shape
    if value.dtype == like.dtype and has_shape:
        return None
    size = f"of {like.ndim} axes" if shape is None else f"of shape {shape}"
    return f"{like.dtype} {size}"


def _told(value: Any) -> str:
    if isinstance(value, Tensor):
        return f"{value.dtype} of shape {tuple(value.shape)}"
    return f"a {type(value).__name__}"
