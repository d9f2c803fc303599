"""What goes into the network: its scale by feature, and a digest of every example."""

from typing import Any

import torch
from torch import Tensor

from thalweg.doctor.probes._moments import Measured
from thalweg.doctor.record import InputFacts

MOST_ROWS = 256
MOST_COLUMNS = 1024
MOST_NONFINITE_ROWS = 16
# Digests are rounded to ten digits, since sums differ in the last bits with the batch's length.
DIGITS = 1e10
# Entries of an example that its digest is made of; large images would cost more than they tell.
MOST_ENTRIES = 4096


def tensors_in(given: Any) -> list[Tensor]:
    """Return the tensors with a batch axis in arguments, whatever they are nested in."""
    if isinstance(given, Tensor):
        return [given] if given.ndim and not given.is_meta else []
    if isinstance(given, dict):
        given = list(given.values())
    if isinstance(given, (list, tuple)):
        return [each for item in given for each in tensors_in(item)]
    return []


def facts(inputs: Tensor, measured: Measured) -> InputFacts:
    """Return what a batch looks like."""
    kind = str(inputs.dtype).removeprefix("torch.")
    found = InputFacts(shape=list(inputs.shape), type=kind, moments=measured.moments(inputs))
    inputs = inputs.detach()
    if not inputs.numel() or inputs.is_complex():
        return found
    found.rows = digests(inputs)
    found.distinct = len(inputs.reshape(-1)[:MOST_ENTRIES].unique())
    if inputs.is_floating_point():
        flat = inputs.flatten(1) if inputs.ndim > 1 else inputs[:, None]
        found.features = flat.shape[1]
        found.constant = int((flat.amin(0) == flat.amax(0)).sum())
        found.columns = _columns(inputs)
        if found.moments is not None and found.moments.nonfinite:
            is_wrong = ~flat.isfinite().all(1)
            found.nonfinite_rows = is_wrong.nonzero().flatten()[:MOST_NONFINITE_ROWS].tolist()
    return found


def shape_of(given: tuple[Any, ...]) -> torch.Size | None:
    """Return the shape of the first tensor of a call; None if it has none.

    Args:
        given: Positional and named arguments; usually the first is the tensor.
    """
    args = given[0]
    if args and isinstance(args[0], Tensor):
        return args[0].shape
    return next((each.shape for each in tensors_in(given)), None)


def digests(inputs: Tensor) -> list[float]:
    """Return a number per example; equal examples have equal ones.

    Example:
        >>> one, two, three = digests(torch.tensor([[1.0, 2.0], [1.0, 2.0], [2.0, 1.0]]))
        >>> one == two != three
        True
    """
    rows = inputs.detach()[:MOST_ROWS]
    rows = rows.flatten(1) if rows.ndim > 1 else rows[:, None]
    rows = rows[:, :: -(-rows.shape[1] // MOST_ENTRIES) or 1].double()
    draw = torch.Generator(device="cpu").manual_seed(0)
    weights = torch.rand(rows.shape[1], generator=draw, dtype=torch.float64) + 0.5
    weights = weights.to(rows.device)
    # To so many digits of the example's own size, whatever its units.
    size = (rows.abs() * weights).sum(1)
    unit = torch.exp2(torch.log2(size).floor()).where(size > 0, torch.ones_like(size))
    return (((rows * weights).sum(1) / unit * DIGITS).round() * unit).tolist()


def _columns(inputs: Tensor) -> list[tuple[float, float]]:
    """Return mean and deviation by channel of images, else by feature of the last axis."""
    axis = 1 if inputs.ndim > 3 else inputs.ndim - 1
    if inputs.ndim < 2:
        return []
    others = [each for each in range(inputs.ndim) if each != axis]
    values = inputs.float()
    mean = values.mean(others, keepdim=True)
    std = (values - mean).square().mean(others).sqrt()
    columns = zip(mean.flatten().tolist(), std.flatten().tolist(), strict=True)
    return list(columns)[:MOST_COLUMNS]
