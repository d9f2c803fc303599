"""Any number of labels at once: independent Bernoulli distributions."""

from collections.abc import Sequence
from typing import Any

import torch.nn.functional as F
from jaxtyping import Float, Shaped
from torch import Tensor

from thalweg.data import Target
from thalweg.tasks._metrics import auroc, for_metrics, share_equal
from thalweg.tasks._shapes import check_columns, check_kind, check_output
from thalweg.tasks._task import Prediction, Task, tasks


@tasks.register("multilabel", summary="any number of labels at once, from one logit each")
class Multilabel(Task):
    """Any number of labels at once, from the logits z, one for each.

    Labels do not exclude each other, so each has its own Bernoulli distribution, p(yₖ=1|x) =
    σ(zₖ); a softmax would force them to share one. The loss is the negative log-likelihood of
    all of them together, in nats: the sum over labels of binary cross-entropy.

    Args:
        target: Of kind "multilabel".

    Raises:
        DataError: The target is of another kind.

    Example:
        >>> import torch
        >>> task = Multilabel(Target("multilabel", ("topic",), ("war", "peace")))
        >>> task.losses(torch.zeros(1, 2), torch.tensor([[1.0, 0.0]]))
        tensor([1.3863])
    """

    name = "multilabel"
    primary = "accuracy"

    def __init__(self, target: Target) -> None:
        check_kind(self.name, target, "multilabel")
        self.target = target
        self.outputs = len(target.classes)

    def check(self, output: Tensor, targets: Shaped[Tensor, "batch ..."]) -> None:
        check_output(output, targets, self.outputs, meaning="one per label")
        check_columns(targets, self.outputs, "one indicator per label")

    def losses(
        self, output: Float[Tensor, "batch ..."], targets: Shaped[Tensor, "batch ..."]
    ) -> Float[Tensor, " batch"]:
        each = F.binary_cross_entropy_with_logits(
            output, targets.to(output.dtype), reduction="none"
        )
        return each.sum(dim=1)

    def quick(self, output: Tensor, targets: Shaped[Tensor, "examples ..."]) -> dict[str, float]:
        return {"accuracy": share_equal(_decided(output), targets.long())}

    def score(self, output: Tensor, targets: Shaped[Tensor, "examples ..."]) -> dict[str, float]:
        """Return accuracy (mean over labels), the share with every label right, F1, AUROC."""
        from torchmetrics.functional import (
            classification as metrics,
        )  # A second, when first imported.

        output, truth = for_metrics(output), targets.cpu().long()
        decided = _decided(output)
        f1 = metrics.multilabel_f1_score(decided, truth, self.outputs, average="macro")
        return {
            **self.quick(output, truth),
            "exact_match": float(metrics.multilabel_exact_match(decided, truth, self.outputs)),
            "f1": float(f1),
            **auroc(output.sigmoid(), truth.bool()),
        }

    def read(self, output: Float[Tensor, "examples ..."], names: Sequence[str]) -> Prediction:
        output = for_metrics(output)
        return Prediction(
            values=_decided(output).numpy(),
            probabilities=output.sigmoid().numpy(),
            classes=self.target.classes,
            names=tuple(names),
        )

    def options(self) -> dict[str, Any]:
        return {}


def _decided(output: Tensor) -> Tensor:
    """Return one where a label is at least as likely as not: from σ(0) = ½ on."""
    return (output >= 0).long()
