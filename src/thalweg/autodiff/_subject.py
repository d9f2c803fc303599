"""A network or function under examination: a copy in double precision, alike at every call."""

import copy
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy
from torch.utils._pytree import tree_leaves, tree_map

from thalweg._core import formats, seeds
from thalweg.errors import SettingError


class Subject:
    """What `check_gradients` differentiates: one number, computed from named tensors.

    Args:
        function: A module, which is copied, or any function of tensors.
        inputs: Its arguments; those of floats are differentiated too.
        loss: From the output to a number; by default several outputs are weighted at random.
        seed: Of dropout and the like, and of those weights.
    """

    def __init__(
        self,
        function: nn.Module | Callable[..., Any],
        inputs: Sequence[Any],
        loss: Callable[[Any], Tensor] | None,
        seed: int,
    ) -> None:
        self.function = function
        self.loss = loss
        self.inputs = tree_map(_doubled, list(inputs))
        self.seed = seed
        self.tensors: dict[str, Tensor] = {}
        self.buffers: dict[Tensor, Tensor] = {}
        if isinstance(function, nn.Module):
            if any(is_lazy(each) for each in function.parameters()):
                raise SettingError("the module has no shapes yet. Run it on one batch first.")
            self.function = double = copy.deepcopy(function).double()
            double.zero_grad()
            self.tensors |= {n: p for n, p in double.named_parameters() if p.requires_grad}
            self.buffers |= {each: each.detach().clone() for each in double.buffers()}
        leaves = [each for each in tree_leaves(self.inputs) if isinstance(each, Tensor)]
        floating = [each for each in leaves if each.is_floating_point()]
        for number, each in enumerate(floating):
            name = "input" if len(floating) == 1 else f"input {number}"
            self.tensors[name] = each.requires_grad_()

    def objective(self) -> Tensor:
        """Return the output; several outputs weighted at random and added up.

        Buffers and random numbers are the same at every call, so that only what is moved moves it.

        Raises:
            SettingError: It cannot be differentiated.
        """
        with torch.no_grad():
            for buffer, value in self.buffers.items():
                buffer.copy_(value)
        with torch.enable_grad(), seeds.isolated(self.seed, "gradient-check"):
            try:
                output = self.function(*tree_map(_apart, self.inputs))
                output = output if self.loss is None else self.loss(output)
            except (RuntimeError, TypeError, ValueError) as error:
                told = formats.plain(str(error).strip().partition("\n")[0]).rstrip(".")
                raise SettingError(
                    f"the function cannot be run on these inputs in double precision: {told}. "
                    "Give it the inputs it takes, several in a tuple, and tensors of its own by "
                    ".to(input)."
                ) from error
            return one_number(output, self.seed)

    def value(self) -> float:
        """Return the objective as a number."""
        return float(self.objective().detach())

    def gradients(self) -> dict[str, Tensor]:
        """Return what autograd says of each tensor; zeros where it says nothing.

        Raises:
            SettingError: Nothing has a gradient, or the value differs from call to call.
        """
        value = self.objective()
        tensors = list(self.tensors.values())
        try:
            found = torch.autograd.grad(value, tensors, allow_unused=True)
        except RuntimeError as error:
            told = formats.plain(str(error).partition("\n")[0])
            raise SettingError(f"the backward pass fails: {told}") from error
        if self.value() != float(value.detach()) and bool(torch.isfinite(value)):
            raise SettingError(
                "the function gives another value each time on the same inputs and seed. "
                "Draw from torch's, NumPy's or Python's own generators, and keep no state."
            )
        return {
            name: torch.zeros_like(tensor) if gradient is None else gradient.detach()
            for (name, tensor), gradient in zip(self.tensors.items(), found, strict=True)
        }


def _doubled(value: Any) -> Any:
    """Return a copy of a tensor, floats in double precision."""
    if not isinstance(value, Tensor):
        return value
    return value.detach().to(torch.float64 if value.is_floating_point() else value.dtype, copy=True)


def _apart(value: Any) -> Any:
    """Return a tensor that the function may write to."""
    return value.clone() if isinstance(value, Tensor) else value


def one_number(output: Any, seed: int) -> Tensor:
    """Return an output of one number as it is; several are weighted at random and added up.

    Raises:
        SettingError: There is none of floats, or none with a gradient.
    """
    found = [
        each
        for each in tree_leaves(output)
        if isinstance(each, Tensor) and each.is_floating_point()
    ]
    if not found:
        raise SettingError("the function must return a tensor of floats. Return one.")
    if not any(each.requires_grad for each in found):
        raise SettingError(
            "the output depends on nothing that has a gradient. "
            "Remove .detach(), .item() or torch.no_grad(); give inputs of floats."
        )
    if len(found) == 1 and found[0].numel() == 1:
        return found[0].sum()
    draw = seeds.generator(seed, "weights")
    weights = [torch.randn(each.shape, generator=draw, dtype=torch.float64) for each in found]
    return torch.stack(
        [(w.to(each) * each).sum() for w, each in zip(weights, found, strict=True)]
    ).sum()
