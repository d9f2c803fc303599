"""A learning rate found by trying: on a copy, with a curve, and sometimes with no answer.

After Smith (2017): the rate rises exponentially over a short trial while the loss is
watched. The suggestion is a tenth of the rate at which the smoothed loss was smallest,
provided that the loss fell by more than its own noise and then rose again.
"""

import copy
import dataclasses
import math
from dataclasses import dataclass

import torch
from torch import nn

from thalweg._core import formats, seeds
from thalweg._core.choices import Choice
from thalweg.data import Splits
from thalweg.tasks import Task
from thalweg.train._assembly import assemble
from thalweg.train._batches import order
from thalweg.train._config import Config
from thalweg.train._defaults import complete
from thalweg.train._loop import update
from thalweg.train._optimizers import LEARNING_RATES, canonical

# The trial spans these rates, per step; a suggestion at either end is none.
LOWEST, HIGHEST = 1e-6, 10.0
# Steps of the trial: seven decades at about fifteen steps each.
STEPS = 100
# Smoothing of the loss: each point weighs this much of the average before it.
MEMORY = 0.8
# The trial ends when the loss exceeds its first value by this factor.
EXPLODED = 4.0
# How many standard deviations of the smoothed noise the fall must exceed to count as one. The
# smallest of a hundred values that are noise alone lies about two and a half below their mean.
SIGNIFICANT = 5.0
# Share of the loss that it must fall by: labels drawn at random let it fall by up to one per cent.
SMALLEST_FALL = 0.02


@dataclass(frozen=True)
class RateCurve:
    """The loss at each rate tried, and what follows from it."""

    rates: list[float]
    """Learning rates, per step."""
    losses: list[float]
    """Smoothed training loss after a step at each rate."""
    suggestion: float | None
    """A rate to use; None where the curve does not support one."""
    confidence: float
    """How far the loss fell, in standard deviations of its noise; zero without a suggestion."""
    reason: str
    """Why this suggestion, or why none."""

    def settle(self, config: Config) -> tuple[Config, Choice]:
        """Return the configuration with a rate in place of "find", and the reason."""
        if self.suggestion is not None:
            rate, reason = self.suggestion, self.reason
        else:
            name, _ = canonical(config.optimizer, {})
            rate = LEARNING_RATES.get(name, 1e-3)
            reason = f"no safe suggestion ({self.reason}); usual for {name}"
        return dataclasses.replace(config, learning_rate=rate), Choice(
            "learning_rate", rate, reason
        )


def find_learning_rate(
    model: nn.Module, data: Splits, task: Task, config: Config | None = None
) -> RateCurve:
    """Try rising learning rates on a copy of the network and return the curve.

    The network, its modes, buffers and gradients, and the global random state stay as they
    were.

    Args:
        model: The network, before training.
        data: The three parts; only the training part is used.
        task: What is wanted of the network.
        config: How it would be trained; the rate in it is ignored.

    Example:
        >>> import thalweg as tw
        >>> data = tw.load("iris")
        >>> curve = tw.find_learning_rate(tw.build("mlp", data), data)
        >>> 1e-4 < curve.suggestion < 1
        True
    """
    config = dataclasses.replace(
        config or Config(), learning_rate=LOWEST, schedule="constant", schedule_options={}
    )
    config, _ = complete(config, model, data)
    factor = (HIGHEST / LOWEST) ** (1 / (STEPS - 1))
    rates, losses, raw = [], [], []
    with seeds.isolated(config.seed, "find_learning_rate"), torch.enable_grad():
        plan, state = assemble(copy.deepcopy(model), data, task, config)
        assert config.batch_size is not None
        plan.transfer.train(state.model)
        average, epoch, start = 0.0, 0, 0
        rows = order(len(plan.train), config.seed, epoch)
        plan.train.begin(config.seed, epoch)
        for number in range(STEPS):
            if start + config.batch_size > len(rows):
                epoch, start = epoch + 1, 0
                rows = order(len(plan.train), config.seed, epoch)
                plan.train.begin(config.seed, epoch)
            chosen = rows[start : start + config.batch_size].to(plan.train.inputs.device)
            start += config.batch_size
            rate = LOWEST * factor**number
            loss = float(update(plan, state, chosen, rate)[0])
            average = MEMORY * average + (1 - MEMORY) * loss
            smooth = average / (1 - MEMORY ** (number + 1))
            if not math.isfinite(loss) or (losses and smooth > EXPLODED * losses[0]):
                break
            rates.append(rate)
            losses.append(smooth)
            raw.append(loss)
    return _judge(rates, losses, raw)


def _judge(rates: list[float], losses: list[float], raw: list[float]) -> RateCurve:
    """Return what the curve supports."""

    def none(reason: str) -> RateCurve:
        return RateCurve(rates, losses, None, 0.0, reason)

    if len(rates) < STEPS // 5:
        return none(f"the loss ran away after {len(rates)} steps at rates below 1e-4")
    best = min(range(len(losses)), key=losses.__getitem__)
    if best < STEPS // 5:
        return none("the loss rose from the start")
    # Neighbouring losses differ by the noise of their batches, whatever the trend; smoothing
    # shrinks that noise.
    tried = torch.tensor(raw[: best + 1], dtype=torch.float64)
    noise = float(tried.diff().std()) * math.sqrt((1 - MEMORY) / (1 + MEMORY) / 2) + 1e-12
    # The first fifth of the trial moves the weights too little to matter.
    start = float(tried[: STEPS // 5].mean())
    fall = (start - losses[best]) / noise
    if fall < SIGNIFICANT or start - losses[best] < SMALLEST_FALL * abs(start):
        return none("the loss did not fall by more than its own noise")
    if best == len(losses) - 1 and len(losses) == STEPS:
        return none(f"the loss was still falling at the largest rate, {HIGHEST:g}")
    suggestion = float(f"{rates[best] / 10:.1e}")
    return RateCurve(
        rates,
        losses,
        suggestion,
        fall,
        f"a tenth of {formats.figure(rates[best])}, where the trial's loss was smallest, "
        f"{fall:.0f} standard deviations below its start",
    )
