"""Looking at a network without leaving a trace."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

from thalweg._core import seeds


@contextmanager
def evaluating(model: nn.Module) -> Iterator[torch.device]:
    """Put the network in evaluation mode, without gradients, for the length of the block.

    The mode of each module and the global random state are as before afterwards.

    Yields:
        The device of the network's parameters; the CPU if it has none.
    """
    modes = [(module, module.training) for module in model.modules()]
    device = next((each.device for each in model.parameters()), torch.device("cpu"))
    model.eval()
    try:
        with torch.no_grad(), seeds.isolated(0, "evaluating"):
            yield device
    finally:
        for module, mode in modes:
            module.training = mode
