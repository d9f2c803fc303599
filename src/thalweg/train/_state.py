"""Everything that changes while a network trains."""

import math
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from thalweg._core.history import History
from thalweg.train._average import Average
from thalweg.train._parallel import Parallel
from thalweg.train._weights import bare

# Losses wait on the device for this many steps before they are read, all in one go: reading
# each would make the host wait for every step.
STEPS_BETWEEN_READS = 100
DIVERGED = "the loss became"
"""How the reason begins that has a loss that is no number."""


@dataclass
class Best:
    """The weights with the smallest validation loss so far; without validation, the newest.

    Nothing is ever written into them.
    """

    loss: float
    epoch: int
    """Counted from one; zero for the weights before the first step."""
    weights: dict[str, Tensor]


@dataclass
class Pending:
    """The loss of a step, or of each of several, still on the device."""

    step: int
    """The first one's number."""
    losses: Tensor
    weights: Tensor | int
    rates: list[float]


class State:
    """A network in training: weights, optimizer, position, and what was measured so far.

    Args:
        model: The network, on its device.
        optimizer: Of the network's parameters.
        record_every: Steps between two entries in the history.
        keeps_best: Whether to keep a copy of the best weights, to end with; else one of the newest
            that are numbers, to go back to.
        average: Of the network's weights; validated, kept and ended with in their place.
        parallel: How several processes share the work; None for one alone.
    """

    def __init__(
        self,
        model: nn.Module,
        optimizer: Optimizer,
        record_every: int = 1,
        keeps_best: bool = True,
        average: Average | None = None,
        parallel: Parallel | None = None,
    ) -> None:
        self.model = model
        self.optimizer = optimizer
        self.record_every = record_every
        self.keeps_best = keeps_best
        self.average = average
        self.parallel = parallel
        self.history = History()
        self.epoch = 0
        """Epochs completed."""
        self.batch = 0
        """Batches completed in the current epoch."""
        self.step = 0
        """Optimizer steps completed."""
        self.loss_sum = 0.0
        """Of the current epoch: loss times weight, over its examples."""
        self.weight_sum = 0.0
        self.best: Best | None = None
        self.good: Best | None = None
        """The newest weights that are numbers, of the end of an epoch; kept unless the best are."""
        self.stale = 0
        """Epochs since the best one."""
        self.settings: dict[str, Any] = {}
        """What training was planned with, by section, as plain data."""
        self.shortages: list[int] = []
        """Steps, by those completed before, from which on batches are cut into twice the pieces."""
        self.stopped: str | None = None
        """Why training ended before its last epoch."""
        self.is_stepping = False
        """Whether a step has begun and not ended: what it has changed so far nobody knows."""
        self.pending: list[Pending] = []
        self.is_wanted = False
        """Whether somebody wants the pending losses read, as soon as all processes can."""

    @property
    def is_writer(self) -> bool:
        """Whether this process writes the state to the disk; of several, the first one does."""
        return self.parallel is None or self.parallel.ranks.is_first

    def begin(self) -> None:
        """Keep the first weights, to go back to if training fails before any epoch is done."""
        if self.best is None:
            self.best = Best(math.inf, 0, self._copy() if self.keeps_best else {})
        if self.good is None and not self.keeps_best:
            self.good = Best(math.inf, self.epoch, self._copy())

    def add(self, losses: Tensor, weights: Tensor | int, rates: list[float]) -> None:
        """Count one optimizer step, or several.

        Args:
            losses: Loss of the step, or of each.
            weights: What the batch, or each, weighs in the epoch's mean.
            rates: Learning rate of each step.
        """
        self.is_stepping = False
        self.pending.append(Pending(self.step + 1, losses, weights, rates))
        self.batch += len(rates)
        self.step += len(rates)
        if self.average is not None:
            self.average.update(self.step)
        if len(self.pending) >= STEPS_BETWEEN_READS:
            self.read()

    def read(self) -> None:
        """Bring the pending losses to the host, into the sums and the history.

        Several processes all do it between the same two steps.
        """
        self.is_wanted = False
        if not self.pending:
            return
        losses = torch.hstack([each.losses for each in self.pending])
        if self.parallel is not None:
            losses = self.parallel.ranks.mean(losses)
        values = iter(losses.tolist())
        for each in self.pending:
            weights = [each.weights] * len(each.rates)
            if isinstance(each.weights, Tensor):
                weights = each.weights.reshape(-1).tolist()
            for step, (weight, rate) in enumerate(zip(weights, each.rates, strict=True), each.step):
                self._count(step, next(values), float(weight), rate)
        self.pending.clear()

    def _count(self, step: int, loss: float, weight: float, rate: float) -> None:
        self.loss_sum += loss * weight
        self.weight_sum += weight
        if (step - 1) % self.record_every == 0:
            self.history.add_step(step, self.epoch, loss, rate)
        if not math.isfinite(loss) and self.stopped is None:
            self.stopped = f"{DIVERGED} {loss} at step {step}"

    def want(self) -> None:
        """Have the pending losses read: at once, or by all processes at one of the next steps."""
        if self.parallel is None:
            self.read()
        else:
            self.is_wanted = True

    @property
    def has_diverged(self) -> bool:
        """Whether a loss that is no number, of those read so far, ended training."""
        return self.stopped is not None and self.stopped.startswith(DIVERGED)

    @property
    def train_loss(self) -> float:
        """Mean training loss of the current epoch so far, in nats."""
        return self.loss_sum / self.weight_sum if self.weight_sum else math.nan

    def end_epoch(
        self, measured: dict[str, float], learning_rate: float, min_improvement: float
    ) -> None:
        """Record an epoch, keep its weights if they are the best, and begin the next.

        Args:
            measured: "valid_loss" and the validation metrics; empty without validation.
            learning_rate: Of the last step.
            min_improvement: How much smaller than the best a loss must be.
        """
        self.read()
        row = {
            "epoch": self.epoch + 1,
            "step": self.step,
            "learning_rate": learning_rate,
            "train_loss": self.train_loss,
            **measured,
        }
        self.history.add_epoch(row)
        if "valid_loss" in row:
            loss, least = row["valid_loss"], math.inf if self.best is None else self.best.loss
        else:
            # While an epoch runs, the weights change beneath its loss, so that it says nothing of
            # those at the end: the newest are kept unless training has failed.
            loss, least = row["train_loss"], math.inf
        # A loss that is not a number compares false and so is never the best; nor are weights that
        # the last update has spoilt, which no loss has met yet.
        is_least = loss < least - min_improvement
        may_be_kept = is_least or not (self.keeps_best or math.isnan(loss))
        has_numbers = may_be_kept and self._has_numbers()
        if is_least and has_numbers:
            self.best = Best(loss, self.epoch + 1, self._copy() if self.keeps_best else {})
            self.stale = 0
        else:
            self.stale += 1
        if not self.keeps_best and has_numbers:
            self.good = Best(loss, self.epoch + 1, self._copy())
        self.epoch += 1
        self.batch = 0
        self.loss_sum = self.weight_sum = 0.0

    def averaged(self) -> AbstractContextManager[None]:
        """Return a block in which the network has the weights that it is judged by."""
        return nullcontext() if self.average is None else self.average.in_place()

    @property
    def kept(self) -> Best | None:
        """The weights that the network is to end with, if training ended now for good."""
        return self.best if self.keeps_best else self.good

    def settle(self) -> None:
        """Let the network end with the weights that it is to have.

        An interrupted one keeps its last, since it has not ended; its checkpoint has all others.
        """
        if self.stopped != "interrupted" and self.kept is not None:
            bare(self.model).load_state_dict(self.kept.weights)
        elif self.average is not None:
            self.average.put_in()

    def _has_numbers(self) -> bool:
        """Return whether all trainable weights are numbers. A buffer may hold infinities."""
        own = [each.detach() for each in self.model.parameters() if each.requires_grad]
        if self.parallel is not None:
            own = [self.parallel.held(each) for each in own]
        # No sum with a NaN or an infinity in it is finite, and it takes a tenth of the time; a sum
        # may overflow, too.
        has_numbers = all(bool(each.sum().isfinite() or each.isfinite().all()) for each in own)
        return has_numbers if self.parallel is None else self.parallel.ranks.all(has_numbers)

    def _copy(self) -> dict[str, Tensor]:
        return {name: value.clone() for name, value in bare(self.model).state_dict().items()}
