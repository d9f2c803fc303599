"""Where a loop passes through torch: backward passes, loss functions, loaders, schedules.

While anybody listens, a few functions of torch are replaced by ones that tell the listeners and
then do what they always did. The last listener to leave puts everything back.
"""

import functools
import sys
import time
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.compiler import is_dynamo_compiling
from torch.nn import functional as F
from torch.optim.lr_scheduler import LRScheduler
from torch.utils.data import DataLoader, dataloader

from thalweg.doctor.observer._listener import Listener

LOSSES = (
    "cross_entropy",
    "nll_loss",
    "mse_loss",
    "l1_loss",
    "smooth_l1_loss",
    "huber_loss",
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "gaussian_nll_loss",
    "poisson_nll_loss",
    "kl_div",
)
"""Functions of torch.nn.functional that compare an output with a target."""


HANDOVERS = ("item", "tolist", "cpu", "numpy", "__float__", "__int__", "__bool__")
"""Methods of a tensor that give the host its numbers, for which it must wait."""


_listeners: list[Listener] = []
_originals: list[tuple[Any, str, Any, Any]] = []


def attach(listener: Listener) -> None:
    """Tell the listener of everything from now on."""
    if not _listeners:
        _replace_all()
    _listeners.append(listener)


def detach(listener: Listener) -> None:
    """Tell the listener no more."""
    _listeners.remove(listener)
    if not _listeners:
        while _originals:
            owner, name, original, ours = _originals.pop()
            # Whoever has replaced ours since keeps theirs, which calls ours, which still works.
            if getattr(owner, name) is ours:
                setattr(owner, name, original)


def _replace_all() -> None:
    _replace(torch.autograd, "backward", _backward)
    for name in LOSSES:
        _replace(F, name, functools.partial(_loss, name))
    _replace(F, "dropout", _dropout)
    _replace(DataLoader, "__iter__", _iterate)
    _replace(dataloader._BaseDataLoaderIter, "__next__", _next)
    _replace(LRScheduler, "step", _schedule)
    if torch.accelerator.is_available():
        for name in HANDOVERS:
            _replace(Tensor, name, _hand_over)


def _replace(
    owner: Any, name: str, make: Callable[[Callable[..., Any]], Callable[..., Any]]
) -> None:
    original = getattr(owner, name)
    ours = functools.wraps(original)(make(original))
    _originals.append((owner, name, original, ours))
    setattr(owner, name, ours)


def _backward(original: Callable[..., Any]) -> Callable[..., Any]:
    def backward(
        tensors: Any,
        grad_tensors: Any = None,
        retain_graph: bool | None = None,
        create_graph: bool = False,
        *args: Any,
        **kwargs: Any,
    ) -> None:
        root = tensors if isinstance(tensors, Tensor) else next(iter(tensors), None)
        told: list[Listener] = []
        if isinstance(root, Tensor) and not is_dynamo_compiling():
            keeps = create_graph if retain_graph is None else retain_graph
            for listener in _listeners:
                # Inlined, since a comprehension is another call.
                if listener.now.before_backward(root, keeps):
                    told.append(listener)  # noqa: PERF401
        original(tensors, grad_tensors, retain_graph, create_graph, *args, **kwargs)
        for listener in told:
            listener.after_backward()

    return backward


def _loss(kind: str, original: Callable[..., Any]) -> Callable[..., Any]:
    def loss(input: Any, target: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: A002, torch's names
        value = original(input, target, *args, **kwargs)
        if not is_dynamo_compiling() and isinstance(value, Tensor):
            for listener in _listeners:
                listener.now.on_loss(kind, (input, target, *args), kwargs, value)
        return value

    return loss


def _dropout(original: Callable[..., Any]) -> Callable[..., Any]:
    def dropout(
        input: Any,  # noqa: A002, torch's names
        p: float = 0.5,
        training: bool = True,
        inplace: bool = False,
    ) -> Any:
        result = original(input, p, training, inplace)
        if training and p > 0 and not torch.is_grad_enabled():
            # The dropout of modules follows their mode, and whoever sets that has reasons.
            is_own = not is_dynamo_compiling() and not _is_called_by_torch()
            for listener in _listeners if is_own else ():
                listener.on_stuck_dropout()
        return result

    return dropout


def _is_called_by_torch() -> bool:
    name = sys._getframe(2).f_globals.get("__name__", "")
    return name.startswith("torch.")


def _iterate(original: Callable[..., Any]) -> Callable[..., Any]:
    def iterate(self: DataLoader) -> Any:
        for listener in _listeners:
            listener.on_loader(self)
        return original(self)

    return iterate


def _next(original: Callable[..., Any]) -> Callable[..., Any]:
    def following(self: Any) -> Any:
        began = time.perf_counter()
        try:
            return original(self)
        finally:
            for listener in _listeners:
                listener.now.on_wait(time.perf_counter() - began)

    return following


def _schedule(original: Callable[..., Any]) -> Callable[..., Any]:
    def step(self: LRScheduler, *args: Any, **kwargs: Any) -> Any:
        # A new schedule takes its first step on its own.
        if getattr(self, "_step_count", 0) > 0:
            for listener in _listeners:
                listener.now.on_schedule()
        return original(self, *args, **kwargs)

    return step


def _hand_over(original: Callable[..., Any]) -> Callable[..., Any]:
    def hand_over(self: Tensor, *args: Any, **kwargs: Any) -> Any:
        if not is_dynamo_compiling() and self.device.type != "cpu":
            # What torch itself waits for, as GradScaler does at every step, is not the loop's.
            caller = sys._getframe(1).f_globals.get("__name__", "")
            if not caller.startswith("torch.") or caller == "torch._tensor":
                for listener in _listeners:
                    listener.now.on_sync()
        return original(self, *args, **kwargs)

    return hand_over
