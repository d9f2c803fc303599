"""Records made by hand from a loss curve."""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from thalweg.doctor.record import (
    Evaluation,
    LossFacts,
    ModuleFacts,
    Moments,
    Motion,
    OptimizerFacts,
    ParameterFacts,
    Record,
    Sample,
    StepRow,
)

# For _made.py, beside this file.
sys.path.insert(0, str(Path(__file__).parent))

Training = Callable[..., Record]


def _row(step: int, loss: float, rate: float) -> StepRow:
    return StepRow(step, 0, loss, loss, rate, 1, 32, "fbs", True, False, 0.01)


def _sample(step: int, loss: float, move: float, gradient: float) -> Sample:
    facts = LossFacts(
        kind="cross_entropy",
        reduction="mean",
        value=loss,
        output_shape=[32, 10],
        target_shape=[32],
        target_type="int64",
        output=Moments(0.0, 1.0, -2.0, 2.0),
        counts=[10] * 10,
    )
    motions = {
        name: Motion(weight=0.1, gradient=gradient, update=0.1 * move, nonfinite=0)
        for name in ("first.weight", "head.weight")
    }
    return Sample(step, losses=[facts], parameters=motions)


def _training(
    losses: Sequence[float],
    moves: list[float] | float = 0.01,
    rates: list[float] | float = 1e-3,
    validation: Sequence[float] = (),
    *,
    gradient: float = 0.01,
    width: int = 32,
) -> Record:
    """Return the record of a classifier of ten classes with a hidden layer.

    Args:
        losses: Step by step.
        moves: Steps as shares of the weights, by step or for all.
        rates: Likewise.
        validation: Losses of passes at even distances.
        gradient: Of both weights.
        width: Units of the hidden layer.
    """
    count = len(losses)
    move = [moves] * count if not isinstance(moves, list) else moves
    rate = [rates] * count if not isinstance(rates, list) else rates
    shapes = {"first.weight": [width, 64], "head.weight": [10, width]}
    sizes = {"first": (64, width), "head": (width, 10)}
    return Record(
        modules={
            name: ModuleFacts(
                "Linear",
                "linear",
                [f"{name}.weight"],
                True,
                {"inputs": float(inputs), "outputs": float(outputs)},
                order=order,
            )
            for order, (name, (inputs, outputs)) in enumerate(sizes.items())
        },
        parameters={
            name: ParameterFacts(shape, True, 0, shape[1]) for name, shape in shapes.items()
        },
        optimizers=[OptimizerFacts("Adam", {"lr": rate[0], "weight_decay": 0.0})],
        steps=[_row(step + 1, losses[step], rate[step]) for step in range(count)],
        samples=[
            _sample(step + 1, losses[step], move[step], gradient)
            for step in range(count)
            if step < 5 or step % 10 == 0
        ],
        evaluations=[
            Evaluation((place + 1) * count // len(validation), 1, 100, loss=loss)
            for place, loss in enumerate(validation)
        ],
    )


@pytest.fixture
def training() -> Training:
    """What makes a record of a loss curve: `training(losses, moves, rates, validation)`."""
    return _training
