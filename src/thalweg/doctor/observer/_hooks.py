"""Hooks on networks and optimizers: a light one always, many while a step is looked at closely."""

import functools
from collections.abc import Callable
from typing import Any

import torch
from torch import is_grad_enabled, nn
from torch.compiler import is_dynamo_compiling
from torch.optim import Optimizer
from torch.optim.optimizer import (
    register_optimizer_step_post_hook,
    register_optimizer_step_pre_hook,
)
from torch.utils.hooks import RemovableHandle

from thalweg.doctor.observer._observer import Observer


def silent(*args: Any, **kwargs: Any) -> None:
    """Do nothing: what a hook becomes in a copy or a file of a watched network."""


def _silence() -> Callable[..., None]:
    return silent


class Hook(functools.partial[None]):
    """A hook that stays with the network it was put on.

    Loops copy and pickle networks while they are watched; neither the copy nor the file may
    carry the watch along.
    """

    def __deepcopy__(self, memo: dict[int, Any]) -> Callable[..., None]:
        return silent

    def __reduce__(self) -> tuple[Callable[[], Callable[..., None]], tuple[()]]:
        return _silence, ()


class Hooks:
    """Connects an observer with what it watches.

    Every watched network and optimizer has one hook, which costs microseconds; a network's
    modules have theirs only while a step is looked at closely. Inside `torch.compile` nothing
    can be hooked without compiling again, so that compiled modules are left alone.
    """

    def __init__(self, observer: Observer) -> None:
        self.observer = observer
        self.always: list[RemovableHandle] = []
        self.close: list[RemovableHandle] = []
        """On modules, in a step that is looked at closely."""
        self.before: list[RemovableHandle] = []
        """On optimizers that will take this step."""
        self.called = list(observer.models.values())
        """Modules that the loop calls itself: the watched ones, or parts of them."""
        self.outermost: dict[str, nn.Module] = {}
        """Modules that were called first, in a step that is looked at closely."""
        self.depth = 0
        self.meets = not observer.ledgers
        """Whether optimizers are to be found as they step."""
        self.after_each_step: Callable[[], None] | None = None

    def install(self) -> None:
        """Begin to watch, or go on."""
        for module in self.called:
            self._listen(module)
        if self.meets:
            self.always.append(register_optimizer_step_pre_hook(self._meet))
            self.always.append(register_optimizer_step_post_hook(self._after_step))
        else:
            for optimizer in self.observer.ledgers:
                self.always.append(optimizer.register_step_post_hook(Hook(self._after_step)))
        if self.observer.sampler.is_due:
            self._look_closely()
            self._await_step()

    def remove(self) -> None:
        """Leave no hook behind."""
        for handles in (self.always, self.close, self.before):
            _remove(handles)

    def enter(self, module: nn.Module, args: Any, kwargs: Any) -> None:
        """A watched network is called."""
        if is_dynamo_compiling():
            return
        if not is_grad_enabled():
            # Some layers take a faster way where nobody listens; evaluation shall keep it.
            _remove(self.close)
            self.observer.on_quiet_forward(module, (args, kwargs))
            return
        if self.observer.sampler.is_due and not self.close:
            self._look_closely()
        self.observer.now.on_forward(module, (args, kwargs))

    def _meet(self, optimizer: Optimizer, args: Any, kwargs: Any) -> None:
        """Take on any optimizer that steps and owns a watched parameter."""
        owned = (each for group in optimizer.param_groups for each in group["params"])
        if optimizer not in self.observer.ledgers and any(
            id(each) in self.observer.inventory.names for each in owned
        ):
            self.observer.inventory.add_optimizer(optimizer)
        if self.observer.sampler.is_due:
            self._before_step(optimizer, args, kwargs)

    def _before_step(self, optimizer: Optimizer, args: Any, kwargs: Any) -> None:
        self.observer.before_step(optimizer)

    def _after_step(self, optimizer: Optimizer, args: Any, kwargs: Any) -> None:
        self.observer.now.after_step(optimizer)
        self.depth = 0
        if self.outermost:
            self._find_called()
        if self.observer.sampler.is_due:
            self._await_step()
        elif self.before or self.close:
            _remove(self.before)
            _remove(self.close)
        if self.after_each_step is not None:
            self.after_each_step()

    def _look_closely(self) -> None:
        with self.observer.sampler.looking():
            self._hook_all()

    def _hook_all(self) -> None:
        self.depth = 0
        hidden = _compiled(self.observer.inventory.modules)
        if hidden:
            self.observer.record.limits["modules"] = "it is compiled"
        for path, module in self.observer.inventory.modules.items():
            if path in hidden or isinstance(module, torch.jit.ScriptModule):
                continue
            self.close.append(module.register_forward_pre_hook(Hook(self._down(path))))
            self.close.append(module.register_forward_hook(Hook(self._up(path)), with_kwargs=True))

    def _await_step(self) -> None:
        if not self.before and not self.meets:
            for optimizer in self.observer.ledgers:
                self.before.append(optimizer.register_step_pre_hook(Hook(self._before_step)))

    def _down(self, path: str) -> Any:
        def down(module: nn.Module, args: Any) -> None:
            if is_dynamo_compiling():
                return
            if self.depth == 0:
                self.outermost.setdefault(path, module)
            self.depth += 1

        return down

    def _up(self, path: str) -> Any:
        def up(module: nn.Module, args: Any, kwargs: Any, output: Any) -> None:
            if is_dynamo_compiling():
                return
            self.depth = max(0, self.depth - 1)
            if is_grad_enabled():
                self.observer.on_module(path, (args, kwargs), output)
            else:
                self.observer.on_quiet_module(path)

        return up

    def _listen(self, module: nn.Module) -> None:
        self.always.append(module.register_forward_pre_hook(Hook(self.enter), with_kwargs=True))

    def _find_called(self) -> None:
        """Where a loop calls parts of a network instead of the whole, listen to those too."""
        rows = self.observer.record.steps
        if rows and "f" not in rows[-1].events:
            for module in self.outermost.values():
                self.called.append(module)
                self._listen(module)
        self.outermost.clear()


def _remove(handles: list[RemovableHandle]) -> None:
    for handle in handles:
        handle.remove()
    handles.clear()


def _compiled(modules: dict[str, nn.Module]) -> set[str]:
    """Return the paths of everything inside a compiled module, and of those themselves."""
    tops = [
        path
        for path, module in modules.items()
        if isinstance(module, torch._dynamo.OptimizedModule)
        or getattr(module, "_compiled_call_impl", None) is not None
    ]
    return {
        path
        for path in modules
        if any(top == "" or path == top or path.startswith(f"{top}.") for top in tops)
    }
