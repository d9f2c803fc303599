"""What ties inputs to targets more closely than a network should find them tied."""

import torch
from torch import Tensor

MOST_COLUMNS = 1024
MOST_CLASSES = 50


@torch.no_grad()
def correlations(inputs: Tensor, target: Tensor) -> list[float]:
    """Return by column of a table how much of the targets' variance it goes with, 0 to 1.

    Of numbers, the squared correlation; of classes, the share of the column's variance that lies
    between them. Empty where inputs are no table, or there is more than one target to a row.

    Example:
        >>> correlations(torch.tensor([[1.0, 0.0], [2.0, 1.0], [3.0, 0.0]]), torch.arange(3.0))
        [1.0, 0.0]
    """
    inputs, target = inputs.detach(), target.detach()
    if inputs.ndim != 2 or not inputs.is_floating_point() or len(inputs) < 3:
        return []
    if target.numel() != len(inputs) or target.is_complex():
        return []
    columns = inputs[:, :MOST_COLUMNS].double()
    columns = columns - columns.mean(0)
    total = columns.square().sum(0)
    target = target.reshape(-1).to(columns.device)
    if target.is_floating_point():
        centred = target.double() - target.double().mean()
        shared = (columns * centred[:, None]).sum(0).square() / centred.square().sum()
    else:
        classes, member = target.unique(return_inverse=True)
        if len(classes) < 2 or len(classes) > min(MOST_CLASSES, len(inputs) // 2):
            return []
        sums = torch.zeros(len(classes), columns.shape[1], dtype=columns.dtype, device=total.device)
        sums.index_add_(0, member, columns)
        shared = (sums.square() / member.bincount()[:, None]).sum(0)
    found = (shared / total).nan_to_num(0.0, 0.0, 0.0).clamp(0, 1)
    return [round(each, 6) for each in found.tolist()]


@torch.no_grad()
def shift(inputs: Tensor, target: Tensor) -> int | None:
    """Return the time axis if each target is the symbol that follows in the inputs, else None.

    Example:
        >>> piece = torch.tensor([[3, 1, 4, 1], [5, 9, 2, 6]])
        >>> shift(piece[:, :-1], piece[:, 1:].flatten())
        1
    """
    inputs, target = inputs.detach(), target.detach()
    if inputs.ndim != 2 or inputs.is_floating_point() or target.is_floating_point():
        return None
    for axis in (1, 0):
        length = inputs.shape[axis]
        following = inputs.narrow(axis, 1, length - 1) if length > 2 else inputs[:0]
        if not following.numel():
            continue
        if target.numel() == inputs.numel():
            asked = target.reshape(inputs.shape).narrow(axis, 0, length - 1)
        elif target.numel() == following.numel():
            asked = target.reshape(following.shape)
        else:
            continue
        is_counted = asked >= 0  # A negative class is one to be ignored.
        if bool(((asked == following) | ~is_counted).all()) and bool(is_counted.any()):
            return axis
    return None
