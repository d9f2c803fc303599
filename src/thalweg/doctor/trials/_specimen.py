"""A copy of a network with a batch and its loss, to try things on."""

import copy
import inspect
import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim import Optimizer

from thalweg._core import seeds
from thalweg.doctor.probes._inputs import tensors_in
from thalweg.doctor.probes._losses import LossCall

# Copies of larger networks would cost more than the trial is worth.
MOST_PARAMETERS = 2**25
# How far a loss computed again may be from what the loop had: dropout draws anew.
TOLERANCE = 0.3
# Seconds that all trials of a specimen may take together.
MOST_SECONDS = 10.0


@dataclass
class Specimen:
    """What a trial works on; every trial gets a copy of its own."""

    model: nn.Module
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    call: LossCall
    optimizer: type[Optimizer]
    options: dict[str, Any]
    """Of the optimizer's first group."""
    seconds: float = 0.0
    """That trials have taken so far."""

    @classmethod
    def take(
        cls, model: nn.Module, given: tuple[Any, ...], call: LossCall, optimizer: Optimizer
    ) -> "Specimen | None":
        """Return a copy of what a loop is about to train on; None where that cannot be had.

        A loop whose loss cannot be computed again from the network's output has none.
        """
        if is_too_large(model):
            return None
        if isinstance(model, torch._dynamo.OptimizedModule):
            return None
        args, kwargs = given
        options = {
            name: value
            for name, value in optimizer.param_groups[0].items()
            if name != "params" and not name.startswith("initial_")
        }
        with _apart():
            specimen = cls(
                model=bare_copy(model),
                args=copy.deepcopy(_detached(args)),
                kwargs=copy.deepcopy(_detached(kwargs)),
                call=LossCall(
                    call.kind,
                    call.output.detach().clone(),
                    call.target.detach().clone(),
                    call.rest,
                    call.options,
                    call.value.detach().clone(),
                ),
                optimizer=type(optimizer),
                options=options,
            )
            return specimen if specimen._is_faithful() else None

    def loss(self, model: nn.Module) -> Tensor:
        """Return the loss of a network on the batch.

        Raises:
            ValueError: Its output is not what the loss function compared.
        """
        outputs = tensors_in(model(*self.args, **self.kwargs))
        wanted = self.call.output
        output = next((each for each in outputs if each.numel() == wanted.numel()), None)
        if output is None:
            raise ValueError("the output does not fit the loss")
        function = getattr(F, self.call.kind)
        given = (output.reshape(wanted.shape), self.call.target, *self.call.rest)
        return function(*given, **self.call.options).mean()

    def _is_faithful(self) -> bool:
        try:
            again = float(self.loss(bare_copy(self.model)).detach())
        except (ValueError, RuntimeError, TypeError):
            return False
        before = float(self.call.value.mean())
        return abs(again - before) <= TOLERANCE * (abs(before) + 1e-6)

    def train(
        self,
        steps: int,
        change: Callable[[dict[str, Any]], dict[str, Any]] = lambda options: {},
        clip: float | None = None,
    ) -> list[float]:
        """Return the losses of so many steps on the batch, from the specimen's weights.

        Args:
            steps: To take.
            change: Returns the optimizer's options to replace.
            clip: Largest norm of the gradient.

        Raises:
            TimeoutError: The trials have taken ten seconds.
        """
        losses: list[float] = []
        with _apart(), torch.enable_grad():
            model = bare_copy(self.model).train()
            options = {**self.options, **change(self.options)}
            # Options that the constructor does not take stay behind.
            optimizer = self.optimizer(
                list(model.parameters()), **_accepted(self.optimizer, options)
            )
            for _ in range(steps):
                began = time.perf_counter()
                optimizer.zero_grad()
                loss = self.loss(model)
                losses.append(float(loss.detach()))
                if not math.isfinite(losses[-1]):
                    break
                loss.backward()
                if clip is not None:
                    nn.utils.clip_grad_norm_(model.parameters(), clip)
                optimizer.step()
                self.seconds += time.perf_counter() - began
                if self.seconds > MOST_SECONDS:
                    raise TimeoutError(f"the trials have taken {MOST_SECONDS:.0f} s")
        return losses


def is_too_large(model: nn.Module) -> bool:
    """Return whether a copy of a network would take more memory than a trial is worth."""
    return sum(each.numel() for each in model.parameters()) > MOST_PARAMETERS


def bare_copy(model: nn.Module) -> nn.Module:
    """Return a copy of a network without anybody's hooks."""
    double = copy.deepcopy(model)
    for module in double.modules():
        module._forward_hooks.clear()
        module._forward_pre_hooks.clear()
    return double


@contextmanager
def _apart() -> Iterator[None]:
    """Draw random numbers of our own, and leave the loop's as they are."""
    with seeds.isolated(0, "trial"):
        yield


def _detached(value: Any) -> Any:
    if isinstance(value, Tensor):
        return value.detach()
    if isinstance(value, dict):
        return {name: _detached(each) for name, each in value.items()}
    if type(value) in (list, tuple):
        return type(value)(_detached(each) for each in value)
    return value


def _accepted(kind: type[Optimizer], options: dict[str, Any]) -> dict[str, Any]:
    known = inspect.signature(kind).parameters
    return {name: value for name, value in options.items() if name in known}
