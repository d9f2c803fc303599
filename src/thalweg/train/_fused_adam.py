"""Adam and AdamW with little around their kernel.

One kernel updates all parameters, and takes some microseconds of a small network's step. What
torch does before it in every step, collecting tensors and sorting them by device and type, takes
several times as long. Here they are collected once. The numbers are torch's, bit for bit.
"""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor


@dataclass(frozen=True)
class _Group:
    """What the kernel reads and writes for one group of parameters."""

    options: dict[str, Any]
    parameters: list[Tensor]
    means: list[Tensor]
    squares: list[Tensor]
    largest_squares: list[Tensor]
    steps: list[Tensor]


class _Collected(torch.optim.Adam):
    """Steps on tensors that were collected once, where every parameter has a gradient.

    The first step, and any in which a parameter has none, is taken as torch takes it.
    """

    _kernel: Callable[..., None]
    _groups: "list[_Group] | None" = None
    """None until they are collected, and again once others have been loaded."""

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        self._groups = None

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        super().add_param_group(param_group)
        self._groups = None

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Take a step; see `torch.optim.Adam.step`."""
        if closure is None and self._take_step():
            return None
        # Unwrapped, for the hooks of a step are called around this one already.
        own = inspect.unwrap(torch.optim.Adam.step, stop=lambda step: not _calls_hooks(step))
        return own(self, closure)

    def _take_step(self) -> bool:
        """Take a step with what was collected; return whether that could be done."""
        if self._groups is None:
            self._groups = self._collect()
        gradients = [[each.grad for each in group.parameters] for group in self._groups or ()]
        if not gradients or any(each is None for group in gradients for each in group):
            return False
        with torch.no_grad():
            for group, own in zip(self._groups or (), gradients, strict=True):
                options = group.options
                beta1, beta2 = options["betas"]
                torch._foreach_add_(group.steps, 1)  # pyright: ignore[reportPrivateImportUsage]
                self._kernel(
                    group.parameters,
                    own,
                    group.means,
                    group.squares,
                    group.largest_squares,
                    group.steps,
                    lr=options["lr"],
                    beta1=beta1,
                    beta2=beta2,
                    weight_decay=options["weight_decay"],
                    eps=options["eps"],
                    amsgrad=options["amsgrad"],
                    maximize=options["maximize"],
                )
        return True

    def _collect(self) -> list[_Group] | None:
        """Return the tensors of every group; None where a kernel cannot take all of a group."""
        groups = []
        for options in self.param_groups:
            parameters = options["params"]
            kept = [self.state.get(each, {}) for each in parameters]
            kinds = {(each.device, each.dtype) for each in parameters}
            if not options["fused"] or options["capturable"] or not all(kept) or len(kinds) != 1:
                return None
            largest = "max_exp_avg_sq" if options["amsgrad"] else None
            groups.append(
                _Group(
                    options,
                    parameters,
                    [each["exp_avg"] for each in kept],
                    [each["exp_avg_sq"] for each in kept],
                    [each[largest] for each in kept if largest],
                    [each["step"] for each in kept],
                )
            )
        return groups


class Adam(_Collected):
    """`torch.optim.Adam` (Kingma and Ba, 2015) with `fused=True`."""

    _kernel = staticmethod(torch._fused_adam_)  # pyright: ignore[reportPrivateImportUsage]


class AdamW(_Collected, torch.optim.AdamW):
    """`torch.optim.AdamW` (Loshchilov and Hutter, 2019) with `fused=True`."""

    _kernel = staticmethod(torch._fused_adamw_)  # pyright: ignore[reportPrivateImportUsage]


FUSED: dict[str, type[torch.optim.Adam]] = {"adam": Adam, "adamw": AdamW}
"""In place of torch's, where the kernel is asked for."""


def _calls_hooks(step: Callable[..., Any]) -> bool:
    """Return whether torch has wrapped a step so that hooks are called."""
    return getattr(step, "hooked", False)
