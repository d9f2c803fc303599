"""One of two classes by a threshold: Rosenblatt's perceptron."""

from collections.abc import Sequence
from typing import Any

from jaxtyping import Float, Shaped
from torch import Tensor

from thalweg.data import Target
from thalweg.tasks._labels import labels
from thalweg.tasks._metrics import share_equal
from thalweg.tasks._shapes import check_class_numbers, check_output, check_two_classes
from thalweg.tasks._task import Prediction, Task, tasks


@tasks.register("perceptron", summary="one of two classes by a threshold, Rosenblatt's rule")
class Perceptron(Task):
    """One of two classes by a threshold: ŷ = 1 where z > 0, else 0.

    A step has no useful derivative, so Rosenblatt (1958) gave a rule instead: w += (y − ŷ)·x,
    which moves only on a mistake. It is gradient descent on the loss (ŷ − y)·z, with ŷ held
    constant: for z = w·x + b the gradient is (ŷ − y)·x in w and ŷ − y in b. So plain SGD with
    rate 1 and a batch of 1 takes exactly Rosenblatt's steps. The loss is 0 when right and |z|
    when wrong; it is not a likelihood, and its unit is that of z.

    Where a line parts the classes, the mistakes end after finitely many steps (Novikoff, 1962);
    where none does, as with XOR, they never end.

    Args:
        target: Of two classes; the second is the one the unit fires for.

    Raises:
        DataError: The target does not have two classes.

    Example:
        >>> import torch
        >>> task = Perceptron(Target("category", ("and",), (0, 1)))
        >>> task.losses(torch.tensor([2.0, -3.0]), torch.tensor([0, 0]))
        tensor([2., -0.])
    """

    name = "perceptron"
    primary = "accuracy"

    def __init__(self, target: Target) -> None:
        check_two_classes(self.name, target)
        self.target = target
        self.outputs = 1

    def check(self, output: Tensor, targets: Shaped[Tensor, "batch ..."]) -> None:
        check_output(output, targets, 1, meaning="w·x + b", may_be_flat=True)
        check_class_numbers(targets, 2)

    def losses(
        self, output: Float[Tensor, "batch ..."], targets: Shaped[Tensor, "batch ..."]
    ) -> Float[Tensor, " batch"]:
        z = output.reshape(-1)
        return (_fired(z) - targets).to(z.dtype) * z

    def quick(self, output: Tensor, targets: Shaped[Tensor, "examples ..."]) -> dict[str, float]:
        return {"accuracy": share_equal(_fired(output), targets)}

    def score(self, output: Tensor, targets: Shaped[Tensor, "examples ..."]) -> dict[str, float]:
        """Return the accuracy and the number of mistakes."""
        errors = (_fired(output) != targets).sum()
        return {**self.quick(output, targets), "errors": float(errors)}

    def read(self, output: Float[Tensor, "examples ..."], names: Sequence[str]) -> Prediction:
        return Prediction(
            values=labels(self.target.classes, _fired(output).cpu().numpy()),
            probabilities=None,
            classes=self.target.classes,
            names=tuple(names),
        )

    def options(self) -> dict[str, Any]:
        return {}


def _fired(output: Tensor) -> Tensor:
    return (output.reshape(-1) > 0).long()
