"""What a step minimizes, and what it shows."""

from typing import Any

import torch
from torch import Tensor

from thalweg.nn import Auxiliary
from thalweg.tasks import Task


def losses_of(
    task: Task, output: Any, targets: Tensor, divisor: Tensor | float | None
) -> tuple[Tensor, Tensor]:
    """Return what to differentiate for a piece of a batch, and the loss to show.

    They differ where a network has auxiliary heads, whose losses help to train it but say
    nothing of its predictions.

    Args:
        task: Whose loss it is.
        output: A tensor, or `Auxiliary` of several.
        targets: Of the piece.
        divisor: Weight of the whole batch; None where the piece is all of it and examples weigh
            one.
    """
    if isinstance(output, Auxiliary):
        loss, _ = losses_of(task, output.main, targets, divisor)
        heads = [losses_of(task, head, targets, divisor)[0] for head in output.heads]
        return loss + output.weight * torch.stack(heads).sum(), loss
    if divisor is None:
        loss = task.mean_loss(output.float(), targets)
    else:
        loss = task.losses(output.float(), targets).sum() / divisor
    return loss, loss
