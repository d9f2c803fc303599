"""One of two classes: a Bernoulli distribution."""

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Float, Shaped
from torch import Tensor

from thalweg.data import Target
from thalweg.tasks import _class_weights
from thalweg.tasks._class_weights import ClassWeights
from thalweg.tasks._labels import labels
from thalweg.tasks._metrics import auroc, for_metrics, share_equal
from thalweg.tasks._shapes import check_class_numbers, check_output, check_two_classes
from thalweg.tasks._task import Prediction, Task, tasks


@tasks.register("binary", summary="one of two classes, from one logit")
class Binary(Task):
    """One of two classes, from the logit z of the second one.

    The output is the parameter of a Bernoulli distribution, p(y=1|x) = σ(z), and the loss its
    negative log-likelihood, binary cross-entropy in nats: −y log σ(z) − (1−y) log(1−σ(z)),
    computed from z as max(z, 0) − y·z + log(1 + e^−|z|), which never overflows.

    Args:
        target: Of two classes; the second is the positive one.
        class_weights: "balanced", or the weight of each class.

    Raises:
        DataError: The target does not have two classes.
        SettingError: The weights are not two positive numbers.

    Example:
        >>> import torch
        >>> task = Binary(Target("category", ("sex",), ("f", "m"), counts=(3, 1)))
        >>> task.losses(torch.zeros(1, 1), torch.tensor([1]))
        tensor([0.6931])
    """

    name = "binary"
    primary = "accuracy"

    def __init__(self, target: Target, *, class_weights: ClassWeights = None) -> None:
        check_two_classes(self.name, target)
        self.target = target
        self.outputs = 1
        self._given = _class_weights.plain(class_weights)
        self._weights = _class_weights.class_weights(target, class_weights)

    def check(self, output: Tensor, targets: Shaped[Tensor, "batch ..."]) -> None:
        positive = f"the logit of class {self.target.classes[1]!r}"
        check_output(output, targets, 1, meaning=positive, may_be_flat=True)
        check_class_numbers(targets, 2)

    def losses(
        self, output: Float[Tensor, "batch ..."], targets: Shaped[Tensor, "batch ..."]
    ) -> Float[Tensor, " batch"]:
        logits = output.reshape(-1)
        return F.binary_cross_entropy_with_logits(
            logits, targets.to(logits.dtype), weight=self.weights(targets), reduction="none"
        )

    def weights(self, targets: Shaped[Tensor, "batch ..."]) -> Float[Tensor, " batch"] | None:
        return None if self._weights is None else self._weights.to(targets.device)[targets]

    def quick(self, output: Tensor, targets: Shaped[Tensor, "examples ..."]) -> dict[str, float]:
        return {"accuracy": share_equal(_decided(output), targets)}

    def score(self, output: Tensor, targets: Shaped[Tensor, "examples ..."]) -> dict[str, float]:
        from torchmetrics.functional import (
            classification as metrics,
        )  # A second, when first imported.

        output, targets = for_metrics(output), targets.cpu()
        decided = _decided(output)
        positive = output.reshape(-1).sigmoid()
        f1 = metrics.multiclass_f1_score(decided, targets, num_classes=2, average="macro")
        return {
            **self.quick(output, targets),
            "f1": float(f1),
            **auroc(positive[:, None], (targets == 1)[:, None]),
            "calibration_error": float(metrics.binary_calibration_error(positive, targets)),
        }

    def read(self, output: Float[Tensor, "examples ..."], names: Sequence[str]) -> Prediction:
        logits = for_metrics(output).reshape(-1)
        probabilities = torch.stack([(-logits).sigmoid(), logits.sigmoid()], dim=1)
        return Prediction(
            values=labels(self.target.classes, _decided(logits).numpy()),
            probabilities=probabilities.numpy(),
            classes=self.target.classes,
            names=tuple(names),
        )

    def options(self) -> dict[str, Any]:
        return {} if self._given is None else {"class_weights": self._given}


def _decided(output: Tensor) -> Tensor:
    """Return the likelier class: the second from σ(0) = ½ on."""
    return (output.reshape(-1) >= 0).long()
