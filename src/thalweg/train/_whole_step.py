"""Several whole steps as one compiled program: gather, forward, backward and update.

A step of a tiny network is a hundred kernels of a microsecond each, and what calls them takes
most of the time. Here the loop's own `update` is traced, with whatever network, task and
optimizer it finds, and the traced operations are compiled to machine code by torch's Inductor.
The program computes the same step to rounding; before it is used, its step is compared with the
loop's on copies.
"""

import copy
import dataclasses
import logging
import tempfile
import time
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.optim import Optimizer

from thalweg.data import Rows
from thalweg.errors import SettingError
from thalweg.train._loop import Plan, update
from thalweg.train._precision import products
from thalweg.train._state import State
from thalweg.train._trial import Outcome, Trial

# Lengths of a program to choose from: the longer, the less is spent between programs and the
# more on compiling.
LENGTHS = (4, 3, 5, 6)


class CannotCompileError(SettingError):
    """The step of this network cannot be compiled, or not to the same step."""


@dataclass(frozen=True)
class Tensors:
    """What a step reads and writes: the network, the optimizer's averages, the data."""

    parameters: dict[str, Tensor]
    buffers: dict[str, Tensor]
    averages: dict[str, dict[str, Tensor]]
    """Of the optimizer, by parameter and name."""
    inputs: Tensor
    targets: Tensor

    @classmethod
    def of(cls, plan: Plan, state: State) -> "Tensors":
        """Return the tensors themselves, not copies."""
        assert isinstance(plan.train.inputs, Tensor)
        named = dict(state.model.named_parameters())
        averages = {
            name: {key: value for key, value in kept.items() if isinstance(value, Tensor)}
            for name, parameter in named.items()
            if (kept := state.optimizer.state.get(parameter))
        }
        return cls(
            {name: each.detach() for name, each in named.items()},
            dict(state.model.named_buffers()),
            averages,
            plan.train.inputs,
            plan.train.targets,
        )

    def flat(self) -> list[Tensor]:
        """Return all of them in a fixed order."""
        return [
            *self.parameters.values(),
            *self.buffers.values(),
            *(each for kept in self.averages.values() for each in kept.values()),
            self.inputs,
            self.targets,
        ]

    def like(self, flat: list[Tensor]) -> "Tensors":
        """Return others in the same places."""
        rest = iter(flat)
        return Tensors(
            {name: next(rest) for name in self.parameters},
            {name: next(rest) for name in self.buffers},
            {name: {key: next(rest) for key in kept} for name, kept in self.averages.items()},
            next(rest),
            next(rest),
        )


class WholeStep:
    """A compiled program of several optimizer steps: what `Plan.several` calls.

    Args:
        plan: What the loop would do.
        state: A state that has taken at least one step; it is left as it is.
        steps: How many steps the program takes at once.

    Raises:
        CannotCompileError: Something in the step cannot be traced or compiled.
    """

    def __init__(self, plan: Plan, state: State, steps: int) -> None:
        self.steps = steps
        self._program = _compiled(plan, state, steps)
        self._tensors: list[Tensor] = []
        self._owner: tuple[State, int, int] | None = None

    def bound(self, plan: Plan) -> Plan:
        """Return a plan of the same settings, with this program in it."""

        def several(
            state: State, rows: Int[Tensor, "steps batch"], rates: list[float]
        ) -> tuple[Float[Tensor, " steps"], Float[Tensor, " steps"]]:
            # Collected anew each epoch, and where the state went back to a checkpoint for want of
            # memory: the optimizer then has other averages.
            owner = state, state.epoch, len(state.shortages)
            if self._owner != owner:
                self._owner, self._tensors = owner, Tensors.of(plan, state).flat()
            with torch.no_grad(), products(plan.config.precision):
                losses, weights = self._program(*self._tensors, rows, torch.tensor(rates))
            return losses, weights

        return dataclasses.replace(plan, several=several, at_once=self.steps)

    def outcome(self, trial: Trial, turns: int) -> Outcome:
        """Return where the program's steps lead a copy of the network, in so many turns."""
        several = self.bound(trial.plan).several
        assert several is not None
        rows, rates = trial.batches(self.steps), [trial.rate] * self.steps
        with trial.alone():
            losses = [several(trial.state, rows, rates)[0] for _ in range(turns)]
        return trial.reached(torch.cat(losses).tolist())

    def seconds(self, trial: Trial, turns: int = 20) -> float:
        """Return what a step of the program takes, in the mean of so many turns of it."""
        several = self.bound(trial.plan).several
        assert several is not None
        with trial.alone():
            rows, rates = trial.batches(self.steps), [trial.rate] * self.steps
            began = time.perf_counter()
            for _ in range(turns):
                several(trial.state, rows, rates)
            return (time.perf_counter() - began) / (turns * self.steps)


def length(plan: Plan) -> int:
    """Return how many steps to compile into one program.

    Batches of an epoch that are left over, and one of another size, are taken by the loop.

    Raises:
        CannotCompileError: The plan has something in it that a program cannot do.
    """
    hindrances = {
        "the optimizer searches along each step": plan.searches,
        "the weights are averaged": plan.config.ema is not None,
        "examples are read from disk": isinstance(plan.train.inputs, Rows),
        "images are augmented": plan.train.augmentation is not None,
        "the device is another than the processor": plan.train.device.type != "cpu",
    }
    for hindrance, is_there in hindrances.items():
        if is_there:
            raise CannotCompileError(f"nothing is compiled where {hindrance}.")
    batches = plan.batches
    size = batches[0][1] - batches[0][0]
    full = sum(stop - start == size for start, stop in batches)
    if full < min(LENGTHS):
        raise CannotCompileError(f"an epoch has only {full} batches of one size.")
    return min(LENGTHS, key=lambda steps: full % steps if steps <= full else full)


def _compiled(plan: Plan, state: State, steps: int) -> Callable[..., Any]:
    """Trace and compile `steps` calls of the loop's `update`."""
    tensors = Tensors.of(plan, state)
    assert plan.config.batch_size is not None
    rows = torch.zeros(steps, plan.config.batch_size, dtype=torch.long)
    given: list[Any] = [*tensors.flat(), rows, torch.zeros(steps)]

    def several(*flat: Tensor) -> tuple[Tensor, Tensor]:
        *values, rows, rates = flat
        return _steps(plan, state, tensors.like(values), rows, rates)

    with _quiet():
        # Imported here: they take a second, and only this function needs them.
        from torch._inductor import config, standalone_compile
        from torch._inductor.utils import fresh_cache
        from torch.fx.experimental.proxy_tensor import make_fx

        try:
            graph = make_fx(several, tracing_mode="fake", _allow_non_fake_inputs=True)(*given)
            # Nothing is read from, or left in, a folder that others could write to.
            with (
                tempfile.TemporaryDirectory(prefix="thalweg-compile-") as folder,
                fresh_cache(dir=folder),
                config.patch(cpp_wrapper=True, fallback_random=True, compile_threads=1),
            ):
                return standalone_compile(graph, given)
        # Whatever a network does may be what the compiler cannot follow, in its own words.
        except Exception as error:
            reason = (str(error).strip() or type(error).__name__).split("\n")[0]
            raise CannotCompileError(f"the step cannot be compiled: {reason[:200]}") from error


def _steps(
    plan: Plan, state: State, tensors: Tensors, rows: Tensor, rates: Tensor
) -> tuple[Tensor, Tensor]:
    """Take the loop's own steps on other tensors than the state's."""
    named = dict(state.model.named_parameters())
    leaves: dict[Tensor, Tensor] = {
        each: tensors.parameters[name].detach().requires_grad_(each.requires_grad)
        for name, each in named.items()
    }
    buffers: dict[Tensor, Tensor] = {
        each: tensors.buffers[name] for name, each in state.model.named_buffers()
    }
    feed = copy.copy(plan.train)
    feed.inputs, feed.targets = tensors.inputs, tensors.targets
    stand_in = copy.copy(state)
    stand_in.optimizer = _optimizer_of(state.optimizer, leaves)
    for name, kept in tensors.averages.items():
        stand_in.optimizer.state[leaves[named[name]]] = dict(kept)
    losses, weights = [], []
    penalty = plan.penalty and plan.penalty.of(leaves)
    elsewhere = dataclasses.replace(plan, train=feed, penalty=penalty)
    with _placed(state.model, leaves | buffers), torch.enable_grad(), _compiling():
        for step in range(len(rows)):
            loss, weight = update(elsewhere, stand_in, rows[step], rates[step])
            losses.append(loss)
            weights.append(torch.as_tensor(weight, dtype=loss.dtype))
    return torch.stack(losses), torch.stack(weights)


def _optimizer_of(optimizer: Optimizer, leaves: dict[Tensor, Tensor]) -> Optimizer:
    """Return an optimizer like this one, of other tensors, without its averages."""
    other = copy.copy(optimizer)
    # The ways of torch that a compiler can follow: no number is read back to the host.
    ways = {"foreach": True, "fused": False, "capturable": True}
    other.param_groups = [
        {
            **group,
            **{way: value for way, value in ways.items() if way in group},
            "params": [leaves[each] for each in group["params"]],
        }
        for group in optimizer.param_groups
    ]
    other.state = defaultdict(dict)
    return other


@contextmanager
def _placed(model: nn.Module, others: dict[Tensor, Tensor]) -> Iterator[None]:
    """Put other tensors into a network's places inside the block, shared ones everywhere."""
    before = []
    for module in model.modules():
        places: Any = (module._parameters, module._buffers)
        for place in places:
            for name, value in place.items():
                if value in others:
                    before.append((place, name, value))
                    place[name] = others[value]
    try:
        yield
    finally:
        for place, name, value in before:
            place[name] = value


@contextmanager
def _compiling() -> Iterator[None]:
    """Let torch's optimizers take the way on which they keep all their numbers in tensors."""
    before = torch.compiler._is_compiling_flag
    torch.compiler._is_compiling_flag = True
    try:
        yield
    finally:
        torch.compiler._is_compiling_flag = before


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep what the compiler says of itself off the terminal."""
    logger = logging.getLogger("torch._inductor")
    before, logger.level = logger.level, logging.CRITICAL
    try:
        with warnings.catch_warnings(action="ignore"):
            yield
    finally:
        logger.level = before
