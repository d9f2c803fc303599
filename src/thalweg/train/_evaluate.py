"""A network's answers on one part of the data, and how good they are."""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Shaped
from torch import Tensor, nn

from thalweg._core.modes import evaluating
from thalweg.tasks import Task
from thalweg.train._batches import Feed

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


def answer(model: nn.Module, task: Task, feed: Feed, batch_size: int = BATCH_SIZE) -> Answers:
    """Return the network's answers in evaluation mode.

    Leaves modes, buffers and the global random state as they were.
    """
    outputs, losses, weights = [], [], []
    with evaluating(model):
        for start in range(0, len(feed), batch_size):
            inputs, targets = feed.slice(start, min(start + batch_size, len(feed)))
            output = model(inputs).float()
            outputs.append(output)
            losses.append(task.losses(output, targets))
            each = task.weights(targets)
            weights.append(torch.ones_like(losses[-1]) if each is None else each)
    loss = torch.cat(losses)
    total = loss.double().sum() / torch.cat(weights).double().sum()
    return Answers(torch.cat(outputs), feed.targets, loss, float(total))
