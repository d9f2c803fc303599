"""Metrics that several tasks share, none of which may fail because a class is absent."""

from jaxtyping import Bool, Float, Shaped
from torch import Tensor


def share_equal(decided: Shaped[Tensor, "..."], targets: Shaped[Tensor, "..."]) -> float:
    """Return the share of entries that are the same: accuracy."""
    return int((decided == targets).sum()) / max(1, targets.numel())


def auroc(
    scores: Float[Tensor, "examples classes"], positive: Bool[Tensor, "examples classes"]
) -> dict[str, float]:
    """Return the area under the ROC curve, the mean over the classes that have one.

    It is the probability that a positive example scores above a negative one, so a class
    without positives or without negatives has none and is left out. Empty when all are.

    Example:
        >>> import torch
        >>> scores = torch.tensor([[0.1, 0.9], [0.8, 0.2]])
        >>> auroc(scores, torch.tensor([[False, False], [True, False]]))
        {'auroc': 1.0}
    """
    from torchmetrics.functional.classification import binary_auroc  # A second, the first time.

    areas = [
        float(binary_auroc(scores[:, index], positive[:, index].long(), validate_args=False))
        for index in range(scores.shape[1])
        if 0 < int(positive[:, index].sum()) < len(positive)
    ]
    return {"auroc": sum(areas) / len(areas)} if areas else {}


def for_metrics(output: Float[Tensor, "examples ..."]) -> Float[Tensor, "examples ..."]:
    """Return raw outputs where and as metrics are computed.

    In double precision sigmoid(z) becomes 1, and examples tie, only from z = 37 on, not from 17
    as in single. Not every accelerator has it, so metrics are computed on the CPU.
    """
    return output.detach().cpu().double()
