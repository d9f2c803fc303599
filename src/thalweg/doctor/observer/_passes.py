"""Forward passes without gradients: what validation looks like from outside."""

import itertools
from typing import Any

import torch
from torch import nn

from thalweg.doctor.observer._examples import Examples
from thalweg.doctor.observer._sampler import Sampler
from thalweg.doctor.probes import _inputs, _losses, _modules
from thalweg.doctor.probes._losses import LossCall
from thalweg.doctor.record import Evaluation, Record

MOST_EVALUATIONS = 1000
# Passes whose inputs are looked at whatever the budget: whether they were trained on shows
# nowhere else.
FIRST_EVALUATIONS = 3
# Numbers that are looked at in microseconds, and so whatever the budget.
CHEAP = 20_000


class Passes:
    """Writes what happens while gradients are off.

    Args:
        record: Where to write it.
        sampler: Whose budget is spent.
        examples: Those trained on.
    """

    def __init__(self, record: Record, sampler: Sampler, examples: Examples) -> None:
        self.record = record
        self.sampler = sampler
        self.examples = examples
        self.followers: dict[nn.Module, list[nn.Module]] = {}
        """Parts that answer otherwise in training mode, by network."""
        self.is_quiet = self.is_noisy = False
        """Whether the last pass was in evaluation mode; or was not, and had one of them in
        training mode."""
        self.batch = 0
        """Examples in the last pass."""

    @property
    def now(self) -> Evaluation:
        """The passes since the last optimizer step."""
        passes = self.record.evaluations
        if not passes or passes[-1].step != self.record.count:
            if len(passes) >= MOST_EVALUATIONS:
                del passes[0]
            passes.append(Evaluation(self.record.count))
        return passes[-1]

    def add(self, module: nn.Module, given: Any, shape: torch.Size | None) -> None:
        """Take note of a pass.

        Args:
            module: What was called.
            given: Its arguments.
            shape: Of the last batch trained on; None before the first.
        """
        now, tensors = self.now, _inputs.tensors_in(given)
        self.batch = next((len(each) for each in tensors), 0)
        now.forwards += 1
        now.examples += self.batch
        now.training_forwards += module.training
        followers = self.followers.get(module)
        if followers is None:
            followers = [each for each in module.modules() if _modules.follows_mode(each)]
            self.followers[module] = followers
        # Parts that are in another mode than the whole were put there on purpose.
        self.is_quiet = not module.training
        self.is_noisy = module.training and any(each.training for each in followers)
        now.noisy_forwards += self.is_noisy
        now.alike_forwards += [each.shape[1:] for each in tensors[:1]] == (
            [] if shape is None else [shape[1:]]
        )
        if self.sampler.is_affordable or len(self.record.evaluations) <= FIRST_EVALUATIONS:
            with self.sampler.looking():
                for each in tensors[:1]:
                    self.examples.look_up(each, now)

    def add_loss(self, call: LossCall) -> None:
        """Take note of a loss that was computed."""
        now, output = self.now, call.output
        count = len(output) if output.ndim else 1
        whole = now.loss_examples + count
        is_sum = call.options.get("reduction") == "sum"
        mean = float(call.value) / (count if is_sum else 1)
        now.loss = ((now.loss or 0.0) * now.loss_examples + mean * count) / whole
        is_cheap = output.device.type == "cpu" and output.numel() <= CHEAP
        if is_cheap or self.sampler.is_affordable:
            with self.sampler.looking():
                self._look(now, call, count / whole)
        now.loss_examples = whole
        now.noisy_losses += now.forwards > 0 and self.is_noisy

    def _look(self, now: Evaluation, call: LossCall, share: float) -> None:
        spread = _modules.spread(call.output, self.batch)
        if spread is not None:
            now.output_spread = max(spread, now.output_spread or 0.0)
        counts, predicted, correct = _losses.agreement(call)
        if not counts:
            return
        now.counts = _added(now.counts, counts)
        now.predicted = _added(now.predicted, predicted)
        now.correct = _added(now.correct, correct)
        now.accuracy = sum(now.correct) / sum(now.counts)
        sure, right = _losses.sureness(call)
        if sure:
            now.sureness = _mixed(now.sureness, sure, share)
            now.sure_right = _mixed(now.sure_right, right, share)

    def add_stuck_dropout(self) -> None:
        """Functional dropout has dropped while gradients are off."""
        passes = self.record.evaluations
        if self.is_quiet and passes and passes[-1].step == self.record.count:
            passes[-1].stuck_dropouts += 1


def _added(one: list[int], two: list[int]) -> list[int]:
    return [first + second for first, second in itertools.zip_longest(one, two, fillvalue=0)]


def _mixed(before: list[float], new: list[float], share: float) -> list[float]:
    if len(before) != len(new):
        return new
    return [(1 - share) * one + share * two for one, two in zip(before, new, strict=True)]
