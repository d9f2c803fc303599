"""A network's answers on one part of the data, and how good they are."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import torch
from jaxtyping import Float, Shaped
from torch import Tensor, nn

from thalweg._core import memory
from thalweg._core.modes import evaluating
from thalweg.tasks import Task
from thalweg.train._batches import Feed
from thalweg.train._ranks import Ranks

# Examples per forward pass without gradients: large enough to keep the device busy, small
# enough that images of 224 pixels fit beside the network.
BATCH_SIZE = 256


@dataclass(frozen=True)
class Answers:
    """Raw outputs and losses for every example of a part, in the part's own order."""

    outputs: Float[Tensor, "examples ..."]
    targets: Shaped[Tensor, "examples ..."]
    losses: Float[Tensor, " examples"]
    """Weighted loss of each example, in the task's unit (nats)."""
    loss: float
    """Sum of the losses over the sum of the weights."""


@memory.kept()
def answer(model: nn.Module, task: Task, feed: Feed, batch_size: int = BATCH_SIZE) -> Answers:
    """Return the network's answers in evaluation mode.

    Leaves modes, buffers and the global random state as they were.
    """
    starts = range(0, len(feed), batch_size)
    return _whole(feed, *_answers(model, task, feed, starts, batch_size))


def answer_together(model: nn.Module, task: Task, feed: Feed, ranks: Ranks) -> Answers | None:
    """Return in the first of several processes what `answer` does in one, to the bit.

    The batches are shared out, each as many to all: those that are too many are computed and
    forgotten.
    """
    number = math.ceil(len(feed) / BATCH_SIZE)
    share = math.ceil(number / ranks.size)
    places = range(ranks.rank * share, (ranks.rank + 1) * share)
    starts = [BATCH_SIZE * min(place, number - 1) for place in places]
    found = [
        ranks.stacked(_filled(each, share * BATCH_SIZE))
        for each in _answers(model, task, feed, starts, BATCH_SIZE)
    ]
    outputs, losses, weights = (each if each is None else each[: len(feed)] for each in found)
    if outputs is None or losses is None or weights is None:
        return None
    return _whole(feed, outputs, losses, weights)


def _answers(
    model: nn.Module, task: Task, feed: Feed, starts: Iterable[int], batch_size: int
) -> tuple[Tensor, Tensor, Tensor]:
    """Return outputs, weighted losses and weights of the examples of some batches."""
    outputs, losses, weights = [], [], []
    with evaluating(model):
        for start in starts:
            inputs, targets = feed.slice(start, min(start + batch_size, len(feed)))
            output = model(inputs).float()
            outputs.append(output)
            losses.append(task.losses(output, targets))
            each = task.weights(targets)
            weights.append(torch.ones_like(losses[-1]) if each is None else each)
    return torch.cat(outputs), torch.cat(losses), torch.cat(weights)


def _whole(feed: Feed, outputs: Tensor, losses: Tensor, weights: Tensor) -> Answers:
    total = losses.double().sum() / weights.double().sum()
    return Answers(outputs, feed.targets, losses, float(total))


def _filled(tensor: Tensor, length: int) -> Tensor:
    """Return a tensor with rows of zeros beneath, so many in all."""
    rows = tensor.new_zeros(length - len(tensor), *tensor.shape[1:])
    return torch.cat([tensor, rows])
