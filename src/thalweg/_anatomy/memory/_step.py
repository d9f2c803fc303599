"""One step of training without numbers: forward, loss, backward, update."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim import Optimizer

from thalweg._anatomy._parts import tensors
from thalweg._anatomy._passing import META, REFUSALS, replaced
from thalweg._anatomy.memory._fused_attention import FusedAttention
from thalweg._anatomy.memory._ledger import Ledger, bytes_of, states_of
from thalweg._core import formats, seeds
from thalweg.errors import ShapeError, ThalwegError


@dataclass(frozen=True)
class Usage:
    """Bytes that one step of training holds."""

    values: int
    gradients: int
    optimizer_state: int
    activations: int
    peak: int


def simulate(
    model: nn.Module,
    inputs: list[Tensor],
    batch: int,
    make: Callable[[nn.Module], Optimizer],
    *,
    is_fused: bool = False,
) -> Usage:
    """Return what a step in the midst of training holds.

    The gradients of the step before are freed before the forward pass, as `zero_grad` does.

    Args:
        model: The network; it stays as it is.
        inputs: One example each.
        batch: Examples.
        make: Returns an optimizer of the network's parameters.
        is_fused: Whether one kernel updates all parameters and needs nothing besides.

    Raises:
        ShapeError: The step cannot be taken without numbers.
    """
    stand_ins: dict[Tensor, Tensor] = {
        each: nn.Parameter(torch.empty_like(each, device=META), each.requires_grad)
        for each in model.parameters()
    }
    stand_ins |= {each: torch.empty_like(each, device=META) for each in model.buffers()}
    given = [
        torch.empty((batch, *each.shape[1:]), dtype=each.dtype, device=META) for each in inputs
    ]
    try:
        with (
            replaced(model, stand_ins),
            _training(model),
            seeds.isolated(0, "memory"),
            FusedAttention(),
        ):
            return _step(model, given, make(model), is_fused)
    except ThalwegError:
        raise
    except REFUSALS as error:
        line = formats.plain(str(error).strip().partition("\n")[0] or type(error).__name__)
        raise ShapeError(
            f"what a training step with {batch} examples holds cannot be said: {line}"
        ) from error


def _step(model: nn.Module, given: list[Tensor], optimizer: Optimizer, is_fused: bool) -> Usage:
    trainable = [each for each in model.parameters() if each.requires_grad]
    for parameter in trainable:
        parameter.grad = torch.empty_like(parameter)
    optimizer.step()
    optimizer.zero_grad()
    ledger = Ledger()
    values = ledger.enter([*model.parameters(), *model.buffers()])
    state = ledger.enter(states_of(optimizer))
    before = ledger.live
    with ledger:
        ledger.enter(given)
        cost = loss(model(*given))
        activations = ledger.live - before
        cost.backward()
        gradients = bytes_of(each.grad for each in trainable if each.grad is not None)
        if is_fused:
            with ledger.closed():
                optimizer.step()
        else:
            optimizer.step()
    return Usage(values, gradients, state, activations, ledger.peak)


def loss(output: Any) -> Tensor:
    """Return a loss of any output: of class scores the usual one, else the mean square."""
    found = [each for each in tensors(output) if each.is_floating_point()]
    return torch.stack([_loss(each) for each in found]).sum()


def _loss(output: Tensor) -> Tensor:
    if output.ndim == 2 and output.shape[1] > 1:
        targets = torch.zeros(len(output), dtype=torch.long, device=output.device)
        return F.cross_entropy(output, targets)
    return F.mse_loss(output, torch.zeros_like(output))


@contextmanager
def _training(model: nn.Module) -> Iterator[None]:
    modes = [(module, module.training) for module in model.modules()]
    model.train()
    try:
        yield
    finally:
        for module, mode in modes:
            module.training = mode
