"""What the checks of a network work on."""

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from thalweg._core import seeds
from thalweg.conformance._suite import Suite
from thalweg.nn import Auxiliary
from thalweg.tasks import Task

MODEL: "Suite[ModelCase]" = Suite("network")
"""Every check of a network."""

# Sums in another order, or by another kernel, differ by a few roundings of 6e-8 in each layer.
ROUNDING = 1e-4


@dataclass(frozen=True)
class ModelCase:
    """A network, and inputs as it gets them."""

    original: nn.Module
    """Only ever copied."""
    inputs: Tensor
    """Some examples, the first axis counting them; a copy of the check's own."""
    task: Task | None = None
    batch: tuple[Tensor, Tensor] | None = None
    """More examples, with their targets."""

    def copy(self, *, training: bool = False) -> nn.Module:
        """Return a copy in evaluation or training mode, without gradients kept.

        What auxiliary heads give while training is added to the output, so that it is one tensor.
        """
        model = copy.deepcopy(self.original)
        model.train(training)
        model.zero_grad()
        if training:
            model.register_forward_hook(_added_up)
        return model


def _added_up(model: nn.Module, given: Any, output: Any) -> Any:
    if isinstance(output, Auxiliary):
        return output.main + output.weight * torch.stack(output.heads).sum(dim=0)
    return output


def answer(model: Callable[[Tensor], Tensor], inputs: Tensor, seed: int = 0) -> Tensor:
    """Return the output, without a graph; equal seeds give equal dropout."""
    with torch.no_grad(), seeds.isolated(seed, "conformance"):
        return model(inputs)


def objective(output: Tensor) -> Tensor:
    """Return a number whose gradient reaches every output and adds up over pieces of a batch.

    It is the mean over examples of Σ sin(zₖ + φₖ) with random phases: unlike a sum, or a sum of
    squares, no normalization over the batch makes it a constant.
    """
    phases = 3 * torch.randn(output.shape[1:], generator=seeds.generator(0, "objective"))
    return torch.sin(output + phases.to(output)).sum() / len(output)


def gap(found: Tensor, expected: Tensor) -> float:
    """Return the largest difference as a share of the largest value expected.

    Example:
        >>> gap(torch.tensor([1.0, 4.0]), torch.tensor([1.0, 5.0]))
        0.2
    """
    if found.shape != expected.shape:
        return float("inf")
    difference = (found.double() - expected.double()).abs().max()
    largest = expected.double().abs().max()
    share = float(difference / largest) if largest > 0 else float(difference)
    # A value that is no number on one side only is as far off as can be.
    return share if share == share else float("inf")


def tensors_of(model: nn.Module) -> dict[str, Tensor]:
    """Return a copy of every parameter and buffer, the ones that are not saved too."""
    named = {**dict(model.named_parameters()), **dict(model.named_buffers())}
    return {name: value.detach().clone() for name, value in named.items()}


def changed(before: dict[str, Tensor], after: dict[str, Tensor]) -> list[str]:
    """Return the names of the tensors that differ in any bit, or are there only once."""
    return [
        name
        for name in {**before, **after}
        if name not in before or name not in after or not same(before[name], after[name])
    ]


def same(first: Tensor, second: Tensor) -> bool:
    """Return whether two tensors agree in type, shape and every number; NaN equals NaN."""
    return (
        first.dtype == second.dtype
        and first.shape == second.shape
        and bool(((first == second) | ((first != first) & (second != second))).all())
    )
