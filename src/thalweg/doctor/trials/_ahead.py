"""Whether a network that is to guess the next symbol sees it."""

from typing import Any

import torch
from torch import nn

from thalweg._core import seeds
from thalweg.doctor.probes._inputs import tensors_in
from thalweg.doctor.trials._specimen import bare_copy


def sees_ahead(model: nn.Module, given: tuple[Any, ...], axis: int) -> float | None:
    """Return how far earlier outputs move when the last symbols are replaced.

    In evaluation mode, on a copy.

    Args:
        model: The network.
        given: Its positional and its named arguments; the first holds symbols.
        axis: Of time in these, 0 or 1.

    Returns:
        The largest change of an output before the last, in standard deviations of the output;
        None where the outputs cannot be told apart by time.
    """
    args, kwargs = given
    if not args or not isinstance(args[0], torch.Tensor) or args[0].ndim != 2:
        return None
    inputs = args[0].detach()
    with torch.no_grad(), seeds.isolated(0, "ahead"):
        double = bare_copy(model).eval()
        replaced = inputs.clone()
        last = replaced.select(axis, -1)
        # Symbols of the same text, so that every one is in the vocabulary.
        last.copy_(torch.where(last == inputs.flatten()[0], inputs.amax(), inputs.flatten()[0]))
        before = next(iter(tensors_in(double(inputs, *args[1:], **kwargs))), None)
        after = next(iter(tensors_in(double(replaced, *args[1:], **kwargs))), None)
    if before is None or after is None or before.shape != after.shape:
        return None
    if replaced.equal(inputs) or before.numel() % inputs.numel():
        return None
    if tuple(before.shape[:2]) not in (tuple(inputs.shape),) and len(before) != inputs.numel():
        return None
    spread = float(before.float().std())
    if not spread > 0:
        return None
    change = (after - before).reshape(*inputs.shape, -1).narrow(axis, 0, inputs.shape[axis] - 1)
    return float(change.abs().max()) / spread
