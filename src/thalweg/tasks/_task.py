"""What "good" means: a distribution of the target, its loss, its metrics, its reading."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
import torch
from jaxtyping import Float, Shaped
from torch import Tensor

from thalweg._core.choices import Choice
from thalweg._core.registry import Registry
from thalweg.data import Target


@dataclass(frozen=True)
class Prediction:
    """What a network says of some examples, in the user's own terms.

    `np.asarray(prediction)` gives the values; `len` counts the examples.
    """

    values: np.ndarray
    """Class labels, (examples, labels) indicators, or numbers, as the training data wrote them."""
    probabilities: Float[np.ndarray, "examples classes"] | None
    """Of each class, in the order of `classes`; None where the target is a number, or where the
    network gives only a decision, as a perceptron does."""
    classes: tuple[Any, ...]
    names: tuple[str, ...]
    """What each example is called: a file name, a row number."""
    repairs: tuple[Choice, ...] = ()
    """What was mended in the examples before the network saw them, such as unseen categories."""

    def __len__(self) -> int:
        return len(self.values)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.asarray(self.values, dtype=dtype)

    def rows(self) -> list[dict[str, Any]]:
        """Return one dictionary per example: its name, the value, each class's probability."""
        table = []
        for index, value in enumerate(self.values.tolist()):
            row: dict[str, Any] = {"name": self.names[index], "prediction": value}
            if self.probabilities is not None:
                row |= {
                    f"p({label})": float(probability)
                    for label, probability in zip(
                        self.classes, self.probabilities[index], strict=True
                    )
                }
            table.append(row)
        return table


class Task(ABC):
    """What is wanted of a network on one kind of target.

    The loss is the negative log-likelihood of an output distribution, computed from raw
    outputs (logits), in nats per example unless the task says otherwise.
    """

    name: ClassVar[str]
    """The name under which it is registered."""
    primary: ClassVar[str]
    """The metric shown while training."""

    target: Target
    outputs: int
    """How many numbers the network must give per example."""

    @abstractmethod
    def __init__(self, target: Target, **options: Any) -> None:
        """Take the target, then keyword-only options: with `name`, all that a run stores.

        Raises:
            DataError: The task is not for such a target.
            SettingError: An option is out of range.
        """

    @abstractmethod
    def check(self, output: Tensor, targets: Shaped[Tensor, "batch ..."]) -> None:
        """Refuse an output that does not fit.

        Raises:
            ShapeError: With the shape that is needed.
        """

    @abstractmethod
    def losses(
        self, output: Float[Tensor, "batch ..."], targets: Shaped[Tensor, "batch ..."]
    ) -> Float[Tensor, " batch"]:
        """Return the loss of each example, times its weight."""

    def mean_loss(
        self, output: Float[Tensor, "batch ..."], targets: Shaped[Tensor, "batch ..."]
    ) -> Float[Tensor, ""]:
        """Return the mean of the losses of examples that all weigh one.

        A task that has one kernel for both may say so here; the number must be the same.
        """
        return self.losses(output, targets).mean()

    def weights(self, targets: Shaped[Tensor, "batch ..."]) -> Float[Tensor, " batch"] | None:
        """Return the weight of each example; None when all weigh one.

        A step's loss is the sum of losses over the sum of weights, so that it does not depend
        on how a batch is cut.
        """
        return None

    def to(self, device: torch.device) -> Self:
        """Move what the task keeps, such as class weights, beside the targets; return the task.

        Calling it once before training spares a copy from the host in every step.
        """
        for name, value in vars(self).items():
            if isinstance(value, Tensor):
                setattr(self, name, value.to(device))
        return self

    @abstractmethod
    def quick(self, output: Tensor, targets: Shaped[Tensor, "examples ..."]) -> dict[str, float]:
        """Return the primary metric alone: cheap enough for every epoch."""

    @abstractmethod
    def score(self, output: Tensor, targets: Shaped[Tensor, "examples ..."]) -> dict[str, float]:
        """Return every metric of the task; the primary one first.

        A metric that these examples cannot define, such as AUROC of one class, is absent.
        """

    @abstractmethod
    def read(self, output: Float[Tensor, "examples ..."], names: Sequence[str]) -> Prediction:
        """Return the outputs in the user's terms."""

    @abstractmethod
    def options(self) -> dict[str, Any]:
        """Return the keyword arguments that rebuild the task beside its target."""


tasks: Registry[type[Task]] = Registry("task")
"""Every task by name."""
