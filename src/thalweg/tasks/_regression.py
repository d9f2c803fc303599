"""Numbers: a Gaussian or a Laplace distribution around the output."""

from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Float, Shaped
from torch import Tensor

from thalweg.data import Target
from thalweg.errors import SettingError
from thalweg.tasks._metrics import for_metrics
from thalweg.tasks._shapes import check_columns, check_kind, check_output
from thalweg.tasks._task import Prediction, Task, tasks


@tasks.register("regression", summary="one or more numbers")
class Regression(Task):
    """One or more numbers y, from as many outputs.

    The network learns standardized targets, whatever the user's units: its output z stands for
    ŷ = m + s·z, with the mean m and standard deviation s of the training part. The loss is the
    negative log-likelihood up to a constant, in nats, summed over the numbers:

    - "gaussian": ½((y − ŷ)/s)². Its minimizer is the *mean* of p(y|x).
    - "laplace": |y − ŷ|/s. Its minimizer is the *median* of p(y|x), which outliers hardly move.

    Predictions and metrics are in the user's units. With several numbers a metric is the mean
    over them, followed by that of each, as in "mae[height]".

    Args:
        target: Of kind "number".
        distribution: Of the target around the output, "gaussian" or "laplace".

    Raises:
        DataError: The target is of another kind.
        SettingError: The distribution is neither of the two.

    Example:
        >>> import torch
        >>> task = Regression(Target("number", ("price",), mean=(100.0,), scale=(20.0,)))
        >>> task.losses(torch.tensor([[1.0]]), torch.tensor([[100.0]]))
        tensor([0.5000])
        >>> task.read(torch.tensor([[1.0]]), ["row 0"]).values
        array([120.])
    """

    name = "regression"
    primary = "mae"

    def __init__(self, target: Target, *, distribution: str = "gaussian") -> None:
        check_kind(self.name, target, "number")
        if distribution not in ("gaussian", "laplace"):
            raise SettingError(
                f"distribution must be 'gaussian' or 'laplace', got {distribution!r}."
            )
        self.target = target
        self.outputs = len(target.names)
        self.distribution = distribution
        self._mean = torch.tensor(target.mean)
        self._scale = torch.tensor(target.scale)

    def check(self, output: Tensor, targets: Shaped[Tensor, "batch ..."]) -> None:
        meaning = "one per target"
        check_output(output, targets, self.outputs, meaning=meaning, may_be_flat=self.outputs == 1)
        check_columns(targets, self.outputs, meaning)

    def losses(
        self, output: Float[Tensor, "batch ..."], targets: Shaped[Tensor, "batch ..."]
    ) -> Float[Tensor, " batch"]:
        mean, scale = self._mean.to(targets), self._scale.to(targets)
        error = (targets - mean) / scale - output.reshape(len(targets), self.outputs)
        each = 0.5 * error.square() if self.distribution == "gaussian" else error.abs()
        return each.sum(dim=1)

    def quick(self, output: Tensor, targets: Shaped[Tensor, "examples ..."]) -> dict[str, float]:
        mean, scale = self._mean.to(targets), self._scale.to(targets)
        predicted = mean + scale * output.detach().reshape(targets.shape)
        return {"mae": float((predicted - targets).abs().mean())}

    def score(self, output: Tensor, targets: Shaped[Tensor, "examples ..."]) -> dict[str, float]:
        from torchmetrics.functional import regression as metrics  # A second, when first imported.

        predicted, targets = self._in_units(output), targets.cpu().double()
        columns = self.outputs
        mae = metrics.mean_absolute_error(predicted, targets, columns).reshape(columns)
        rmse = metrics.mean_squared_error(predicted, targets, False, columns).reshape(columns)
        scores = {"mae": float(mae.mean()), "rmse": float(rmse.mean())}
        # Where a target never varies there is no variance to explain.
        if len(targets) > 1 and bool((targets.std(dim=0) > 0).all()):
            scores["r2"] = float(metrics.r2_score(predicted, targets))
        if columns > 1:
            for index, name in enumerate(self.target.names):
                scores[f"mae[{name}]"] = float(mae[index])
                scores[f"rmse[{name}]"] = float(rmse[index])
        return scores

    def read(self, output: Float[Tensor, "examples ..."], names: Sequence[str]) -> Prediction:
        predicted = self._in_units(output)
        return Prediction(
            values=(predicted[:, 0] if self.outputs == 1 else predicted).numpy(),
            probabilities=None,
            classes=(),
            names=tuple(names),
        )

    def options(self) -> dict[str, Any]:
        return {} if self.distribution == "gaussian" else {"distribution": self.distribution}

    def _in_units(self, output: Tensor) -> Float[Tensor, "examples numbers"]:
        mean, scale = torch.tensor(self.target.mean), torch.tensor(self.target.scale)
        return mean + scale * for_metrics(output).reshape(-1, self.outputs)
