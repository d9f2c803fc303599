"""The first steps of a training, taken on a copy: how long they take, and where they lead."""

import copy
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from thalweg._core import devices, seeds
from thalweg.data import Splits
from thalweg.tasks import Task
from thalweg.train._assembly import assemble
from thalweg.train._batches import order
from thalweg.train._config import Config
from thalweg.train._loop import update

# How far a tensor may end from where the usual steps bring it, as a share of the way that they
# moved it. Entries whose gradient is rounding alone go anywhere under Adam, so that a
# network may not be held to less.
TOLERANCE = 0.05
# Beyond that, so many times as far as the same batches in another order bring it. A bias
# before a batch normalization has no gradient but rounding, and moves as that will.
NATURAL = 8.0
# Losses agree to this share.
LOSS_TOLERANCE = 1e-3


@dataclass(frozen=True)
class Outcome:
    """Where some steps have led."""

    losses: list[float]
    weights: dict[str, Tensor]
    moved: dict[str, Tensor]
    """Final weights and buffers less those before."""


class Trial:
    """A copy of a network in training, under the given settings.

    Args:
        model: The network, which stays as it is.
        data: Its data.
        task: What is wanted of it.
        config: Complete settings.
        steps: How many steps it has taken before anything is asked of it.
    """

    def __init__(
        self, model: nn.Module, data: Splits, task: Task, config: Config, steps: int = 1
    ) -> None:
        self.config = config
        with self.alone():
            self.plan, self.state = assemble(copy.deepcopy(model), data, task, config)
            rows = order(len(self.plan.train), config.seed, 0, config.shuffle)
            self.rows = rows.to(self.plan.train.inputs.device)
            self.plan.train.begin(config.seed, 0)
            self.plan.transfer.train(self.state.model)
            self.rate = self.plan.schedule(self.plan.epochs * len(self.plan.batches) // 2)
            for _ in range(steps):
                update(self.plan, self.state, self.batch(0), self.rate)
        self.start = self._weights()

    def batch(self, number: int, shift: int = 0) -> Tensor:
        """Return the positions of the examples of a batch, turned by so many places."""
        batches = self.plan.batches
        start, stop = batches[number % len(batches)]
        return self.rows[start:stop].roll(shift)

    def batches(self, number: int) -> Tensor:
        """Return the positions of the examples of the first batches, a row for each."""
        return torch.stack([self.batch(each) for each in range(number)])

    def seconds(self, steps: int) -> float:
        """Return what a step takes, in the mean of so many."""
        with self.alone():
            began = time.perf_counter()
            losses = [
                update(self.plan, self.state, self.batch(number), self.rate)[0]
                for number in range(steps)
            ]
            losses[-1].item()  # Waits for the device.
            return (time.perf_counter() - began) / steps

    def outcome(self, steps: int, *, turns: int = 1, shift: int = 0) -> Outcome:
        """Return where the first steps lead.

        Args:
            steps: How many batches.
            turns: How often each of them is taken, one after the other.
            shift: Places by which the examples of each batch are turned.
        """
        with self.alone():
            losses = [
                float(update(self.plan, self.state, self.batch(number, shift), self.rate)[0])
                for _ in range(turns)
                for number in range(steps)
            ]
        return self.reached(losses)

    def reached(self, losses: list[float]) -> Outcome:
        """Return where the network stands now."""
        weights = self._weights()
        return Outcome(
            losses, weights, {name: each - self.start[name] for name, each in weights.items()}
        )

    def _weights(self) -> dict[str, Tensor]:
        return {
            name: each.detach().double().clone()
            for name, each in self.state.model.state_dict().items()
        }

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Compute with the settings' threads and with random numbers of its own."""
        with (
            seeds.isolated(self.config.seed, "trial"),
            devices.threads(self.config.threads),
            torch.enable_grad(),
        ):
            yield


def difference(usual: Outcome, turned: Outcome, tried: Outcome) -> str | None:
    """Return in words how another way of taking the same steps departs from the usual one.

    None where it does not, but for rounding.

    Args:
        usual: Of the usual way.
        turned: Of the usual way, the examples of each batch in another order.
        tried: Of the other way.
    """
    if gap := loss_difference(usual, tried, LOSS_TOLERANCE):
        return gap
    for name, weight in usual.weights.items():
        way, natural = usual.moved[name].norm(), (weight - turned.weights[name]).norm()
        gap = (weight - tried.weights[name]).norm()
        if not gap <= TOLERANCE * way + NATURAL * natural + 1e-6 * weight.norm():
            return f"{name!r} ends {float(gap / way):.1%} of its way off"
    return None


def loss_difference(usual: Outcome, tried: Outcome, tolerance: float) -> str | None:
    """Return in words which loss is the first to differ by more than a share of itself."""
    for step, (before, after) in enumerate(zip(usual.losses, tried.losses, strict=True), 1):
        if not abs(after - before) <= tolerance * max(abs(before), tolerance):
            return f"the loss of step {step} is {after:.6g} instead of {before:.6g}"
    return None
