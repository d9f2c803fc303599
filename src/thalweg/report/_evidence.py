"""What the page is judged on: a run's answers on one part of the data, ready to be counted."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Shaped

from thalweg._core import formats
from thalweg.data import Examples
from thalweg.errors import DataError, RunError
from thalweg.tasks import Prediction
from thalweg.train import Run


@dataclass(frozen=True)
class Evidence:
    """One part of the data beside what the network says of it."""

    part: str
    examples: Examples
    prediction: Prediction
    targets: Shaped[np.ndarray, "examples ..."]
    """Class numbers (examples,), indicators (examples, labels) or numbers (examples, numbers)."""
    decided: Shaped[np.ndarray, "examples ..."]
    """The network's answers in the form of the targets."""
    losses: Float[np.ndarray, " examples"]
    metrics: dict[str, float]
    """Every metric of the task on this part, the primary one first, and the loss."""

    def __len__(self) -> int:
        return len(self.examples)

    @property
    def is_wrong(self) -> Shaped[np.ndarray, " examples"]:
        """True for an example whose classes are not all right."""
        wrong = self.decided != self.targets
        return wrong if wrong.ndim == 1 else wrong.any(axis=1)


def part_of(run: Run) -> str:
    """Return the part that a page speaks of: test if it was scored, else validation."""
    return "test" if "test" in run.scores else "valid"


def gather(run: Run) -> Evidence | str:
    """Return the evidence on `part_of(run)`, or why there is none, as a sentence.

    The test part is never looked at unless `run.score("test")` was called before.
    """
    part = part_of(run)
    if run.data is None:
        return "The data were not at hand when this page was written."
    if run.status.state == "running":
        return "Training had not ended when this page was written."
    if not len(run.data[part]):
        return f"The {WORDS[part]} part is empty."
    try:
        answers = run.answers(part)
    except (DataError, RunError) as error:
        return f"The network's answers are not at hand: {formats.plain(error, longest=300)}"
    outputs, targets = answers.outputs.cpu(), answers.targets.cpu()
    broken = int((~torch.isfinite(outputs.flatten(1))).any(dim=1).sum())
    if broken:
        return (
            f"The network's output is not a finite number for {formats.count(broken)} of "
            f"{formats.count(len(outputs))} {WORDS[part]} examples, so there is nothing to judge."
        )
    prediction = run.task.read(outputs, run.data[part].names)
    metrics = run.scores.get(part)
    if metrics is None:
        metrics = {**run.task.score(outputs, targets), "loss": answers.loss}
    return Evidence(
        part=part,
        examples=run.data[part],
        prediction=prediction,
        targets=targets.numpy(),
        decided=_decided(run, prediction),
        losses=answers.losses.cpu().double().numpy(),
        metrics=metrics,
    )


WORDS = {"train": "training", "valid": "validation", "test": "test"}
"""What a sentence calls each part."""


def _decided(run: Run, prediction: Prediction) -> Shaped[np.ndarray, "examples ..."]:
    target = run.schema.target
    if target.kind == "category":
        numbers = {label: number for number, label in enumerate(target.classes)}
        return np.array([numbers[label] for label in prediction.values.tolist()], dtype=np.int64)
    if target.kind == "number":
        return prediction.values.reshape(len(prediction), -1)
    return prediction.values
