"""One of several classes: a categorical distribution."""

from collections.abc import Sequence
from typing import Any

import torch.nn.functional as F
from jaxtyping import Float, Shaped
from torch import Tensor

from thalweg.data import Target
from thalweg.errors import SettingError
from thalweg.tasks import _class_weights
from thalweg.tasks._class_weights import ClassWeights
from thalweg.tasks._labels import labels
from thalweg.tasks._metrics import auroc, for_metrics, share_equal
from thalweg.tasks._shapes import check_class_numbers, check_kind, check_output
from thalweg.tasks._task import Prediction, Task, tasks

# With five classes or fewer the right one is always among the first five.
TOP = 5


@tasks.register("classification", summary="one of several classes, from one logit each")
class Classification(Task):
    """One of several classes, from the logits z, one for each.

    The output is the parameter of a categorical distribution, p(y=k|x) = softmax(z)ₖ, and the
    loss its negative log-likelihood, cross-entropy in nats: log Σⱼ e^zⱼ − z_y. The largest
    logit is taken out of the sum first, so that it never overflows.

    Args:
        target: Of two or more classes.
        class_weights: "balanced", or the weight of each class.
        label_smoothing: Share ε of the probability that the target spreads evenly over all
            classes (Szegedy et al., 2016), from 0 up to but without 1; the loss is then
            −Σₖ qₖ log softmax(z)ₖ with q = (1−ε)·onehot(y) + ε/K. Weights apply as in
            `torch.nn.functional.cross_entropy`: term k is times the weight of class k.

    Raises:
        DataError: The target is not of classes.
        SettingError: An option is out of range.

    Example:
        >>> import torch
        >>> task = Classification(Target("category", ("iris",), ("a", "b", "c")))
        >>> task.losses(torch.zeros(1, 3), torch.tensor([2]))
        tensor([1.0986])
    """

    name = "classification"
    primary = "accuracy"

    def __init__(
        self,
        target: Target,
        *,
        class_weights: ClassWeights = None,
        label_smoothing: float = 0.0,
    ) -> None:
        check_kind(self.name, target, "category")
        if not isinstance(label_smoothing, (int, float)) or not 0 <= label_smoothing < 1:
            raise SettingError(
                f"label_smoothing must be from 0 up to but without 1, got {label_smoothing!r}."
            )
        self.target = target
        self.outputs = len(target.classes)
        self.label_smoothing = label_smoothing
        self._given = _class_weights.plain(class_weights)
        self._weights = _class_weights.class_weights(target, class_weights)

    def check(self, output: Tensor, targets: Shaped[Tensor, "batch ..."]) -> None:
        check_output(output, targets, self.outputs, meaning="one per class")
        check_class_numbers(targets, self.outputs)

    def losses(
        self, output: Float[Tensor, "batch ..."], targets: Shaped[Tensor, "batch ..."]
    ) -> Float[Tensor, " batch"]:
        weight = None if self._weights is None else self._weights.to(output)
        return F.cross_entropy(
            output, targets, weight, reduction="none", label_smoothing=self.label_smoothing
        )

    def mean_loss(
        self, output: Float[Tensor, "batch ..."], targets: Shaped[Tensor, "batch ..."]
    ) -> Float[Tensor, ""]:
        return F.cross_entropy(output, targets, label_smoothing=self.label_smoothing)

    def weights(self, targets: Shaped[Tensor, "batch ..."]) -> Float[Tensor, " batch"] | None:
        return None if self._weights is None else self._weights.to(targets.device)[targets]

    def quick(self, output: Tensor, targets: Shaped[Tensor, "examples ..."]) -> dict[str, float]:
        return {"accuracy": share_equal(output.argmax(dim=1), targets)}

    def score(self, output: Tensor, targets: Shaped[Tensor, "examples ..."]) -> dict[str, float]:
        from torchmetrics.functional import (
            classification as metrics,
        )  # A second, when first imported.

        output, targets = for_metrics(output), targets.cpu()
        probabilities = output.softmax(dim=1)
        scores = self.quick(output, targets)
        if self.outputs > TOP:
            top = metrics.multiclass_accuracy(
                output, targets, self.outputs, average="micro", top_k=TOP
            )
            scores["top5_accuracy"] = float(top)
        f1 = metrics.multiclass_f1_score(
            output.argmax(dim=1), targets, self.outputs, average="macro"
        )
        calibration = metrics.multiclass_calibration_error(probabilities, targets, self.outputs)
        return {
            **scores,
            "f1": float(f1),
            **auroc(probabilities, F.one_hot(targets, self.outputs).bool()),
            "calibration_error": float(calibration),
        }

    def read(self, output: Float[Tensor, "examples ..."], names: Sequence[str]) -> Prediction:
        output = for_metrics(output)
        return Prediction(
            values=labels(self.target.classes, output.argmax(dim=1).numpy()),
            probabilities=output.softmax(dim=1).numpy(),
            classes=self.target.classes,
            names=tuple(names),
        )

    def options(self) -> dict[str, Any]:
        chosen = {} if self._given is None else {"class_weights": self._given}
        return chosen | ({"label_smoothing": self.label_smoothing} if self.label_smoothing else {})
