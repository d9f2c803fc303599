"""How much of what came early still counts in the answer of a recurrent network."""

from typing import Any

import torch
from torch import Tensor, nn

from thalweg._core import seeds
from thalweg.doctor.probes._inputs import tensors_in
from thalweg.doctor.trials._specimen import bare_copy

# Shorter sequences are within the memory of any recurrent layer.
FEWEST_STEPS = 20
# The part of the sequence that counts as early.
EARLY = 8


def memory(model: nn.Module, given: tuple[Any, ...]) -> float | None:
    """Return the largest gradient at an early input as a share of the largest at any.

    Of the network's outputs, with respect to what comes into its first recurrent layer; on a
    copy, in evaluation mode.

    Args:
        model: The network.
        given: Its positional and its named arguments.

    Returns:
        None without a recurrent layer, or with short sequences.
    """
    double = bare_copy(model).eval()
    layer = next((each for each in double.modules() if isinstance(each, nn.RNNBase)), None)
    if layer is None:
        return None
    leaves: list[Tensor] = []

    def cut(module: nn.Module, args: tuple[Any, ...]) -> Any:
        if leaves or not isinstance(args[0], Tensor) or args[0].ndim != 3:
            return None
        leaves.append(args[0].detach().requires_grad_())
        return (leaves[0], *args[1:])

    layer.train(next(model.parameters()).device.type != "cpu")  # cuDNN has no backward otherwise.
    layer.register_forward_pre_hook(cut)
    args, kwargs = given
    with torch.enable_grad(), seeds.isolated(0, "memory"):
        output = next(iter(tensors_in(double(*args, **kwargs))), None)
        if output is None or not leaves or not output.requires_grad:
            return None
        signs = torch.randint_like(output, 2) * 2 - 1
        (gradient,) = torch.autograd.grad((output * signs).sum(), leaves)
    time = 1 if layer.batch_first else 0
    sizes = gradient.square().sum([axis for axis in range(3) if axis != time]).sqrt()
    if len(sizes) < FEWEST_STEPS or not float(sizes.max()) > 0:
        return None
    return float(sizes[: len(sizes) // EARLY].max() / sizes.max())
