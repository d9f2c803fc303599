"""Metrics that several tasks share, none of which may fail because a class is absent."""

from jaxtyping import Bool, Float
from torch import Tensor
from torchmetrics.functional.classification import binary_auroc


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
