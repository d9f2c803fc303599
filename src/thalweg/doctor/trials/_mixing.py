"""Whether what a network says of one example depends on the others of its batch."""

from typing import Any

import torch
from torch import nn

from thalweg._core import seeds
from thalweg.doctor.probes._inputs import tensors_in
from thalweg.doctor.trials._specimen import bare_copy


def mixing(model: nn.Module, given: tuple[Any, ...]) -> float | None:
    """Return how far other examples' outputs move when one example is replaced.

    In evaluation mode, where batch normalization does not look at the batch, on a copy.

    Args:
        model: The network.
        given: Its positional and its named arguments.

    Returns:
        The largest change of another example's output, in standard deviations of the output;
        None where it cannot be told which axis counts the examples, or the network answers
        differently to the same inputs.
    """
    args, kwargs = given
    if not args or not isinstance(args[0], torch.Tensor) or args[0].ndim < 2 or len(args[0]) < 3:
        return None
    inputs = args[0].detach()
    double = bare_copy(model).eval()

    def answer(inputs: torch.Tensor) -> torch.Tensor | None:
        # Networks that draw noise draw the same each time.
        with torch.no_grad(), seeds.isolated(0, "mixing"):
            return next(iter(tensors_in(double(inputs, *args[1:], **kwargs))), None)

    before, again = answer(inputs), answer(inputs)
    if before is None or again is None or not _counts_examples(inputs, before):
        return None
    place = next((n for n in range(1, len(inputs)) if not inputs[n].equal(inputs[0])), None)
    if place is None or not before.equal(again):
        return None
    replaced = inputs.clone()
    replaced[place] = inputs[0]
    after = answer(replaced)
    spread = float(before.float().std())
    if after is None or not spread > 0 or after.shape != before.shape:
        return None
    others = [n for n in range(len(inputs)) if n != place]
    return float((after - before)[others].abs().max()) / spread


def _counts_examples(inputs: torch.Tensor, output: torch.Tensor) -> bool:
    """Return whether the first axis counts the examples, in the input and in the output.

    Of sequences, the first axis may count time; the output tells which it is unless both are as
    long, or both axes are kept.
    """
    if output.ndim == 0 or len(output) != len(inputs):
        return False
    is_sequence = inputs.ndim == 3 or (inputs.ndim == 2 and not inputs.is_floating_point())
    return not is_sequence or (output.ndim == 2 and inputs.shape[0] != inputs.shape[1])
