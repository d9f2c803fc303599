"""Everything that changes while a network trains."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from thalweg._core.history import History
from thalweg.train._weights import bare

# Losses wait on the device for this many steps before they are read, all in one go: reading
# each would make the host wait for every step.
STEPS_BETWEEN_READS = 100
DIVERGED = "the loss became"
"""How the reason begins that has a loss that is no number."""


@dataclass
class Best:
    """The weights with the smallest validation loss so far; without validation, the newest."""

    loss: float
    epoch: int
    """Counted from one; zero for the weights before the first step."""
    weights: dict[str, Tensor]


@dataclass
class Pending:
    """The loss of a step, still on the device."""

    step: int
    loss: Tensor
    weight: Tensor | int
    learning_rate: float


class State:
    """A network in training: weights, optimizer, position, and what was measured so far.

    Args:
        model: The network, on its device.
        optimizer: Of the network's parameters.
        record_every: Steps between two entries in the history.
        keeps_best: Whether to keep a copy of the best weights.
    """

    def __init__(
        self,
        model: nn.Module,
        optimizer: Optimizer,
        record_every: int = 1,
        keeps_best: bool = True,
    ) -> None:
        self.model = model
        self.optimizer = optimizer
        self.record_every = record_every
        self.keeps_best = keeps_best
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
        self.stale = 0
        """Epochs since the best one."""
        self.stopped: str | None = None
        """Why training ended before its last epoch."""
        self.pending: list[Pending] = []

    def begin(self) -> None:
        """Keep the first weights, to go back to if training fails before any epoch is done."""
        if self.best is None:
            self.best = Best(math.inf, 0, self._copy())

    def add(self, loss: Tensor, weight: Tensor | int, learning_rate: float) -> None:
        """Count one optimizer step."""
        self.batch += 1
        self.step += 1
        self.pending.append(Pending(self.step, loss, weight, learning_rate))
        if len(self.pending) >= STEPS_BETWEEN_READS:
            self.read()

    def read(self) -> None:
        """Bring the pending losses to the host, into the sums and the history."""
        if not self.pending:
            return
        losses = torch.stack([each.loss for each in self.pending]).tolist()
        for each, loss in zip(self.pending, losses, strict=True):
            self.loss_sum += loss * float(each.weight)
            self.weight_sum += float(each.weight)
            if (each.step - 1) % self.record_every == 0:
                self.history.add_step(each.step, self.epoch, loss, each.learning_rate)
            if not math.isfinite(loss) and self.stopped is None:
                self.stopped = f"{DIVERGED} {loss} at step {each.step}"
        self.pending.clear()

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
        # A loss that is not a number compares false and so is never the best.
        if loss < least - min_improvement:
            self.best = Best(loss, self.epoch + 1, self._copy())
            self.stale = 0
        else:
            self.stale += 1
        self.epoch += 1
        self.batch = 0
        self.loss_sum = self.weight_sum = 0.0

    def _copy(self) -> dict[str, Tensor]:
        if not self.keeps_best:
            return {}
        return {name: value.clone() for name, value in bare(self.model).state_dict().items()}
