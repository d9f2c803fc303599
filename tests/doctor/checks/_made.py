"""Small records made by hand, for the checks of data."""

from typing import Any

from thalweg.doctor._finding import Finding
from thalweg.doctor.checks._check import CHECKS, Unchecked
from thalweg.doctor.record import (
    Activity,
    Evaluation,
    InputFacts,
    LossFacts,
    ModuleFacts,
    Moments,
    OptimizerFacts,
    ParameterFacts,
    Record,
    Sample,
    StepRow,
)

UNIT = Moments(0.0, 1.0, -3.0, 3.0)


def row(step: int, loss: float, **facts: Any) -> StepRow:
    """Return a plain step of 32 examples."""
    values = {"waiting": 0.0, "examples": 32, "optimizer": 0, "forwards": 1, **facts}
    optimizer, examples = values.pop("optimizer"), values.pop("examples")
    return StepRow(
        step, optimizer, loss, loss, 1e-3, 1, examples, "fbs", True, False, 0.01, **values
    )


def classes(value: float = 1.0, **facts: Any) -> LossFacts:
    """Return a cross-entropy over four classes."""
    values: dict[str, Any] = {
        "counts": [8, 8, 8, 8],
        "predicted": [8, 8, 8, 8],
        "correct": [4, 4, 4, 4],
        "sequence": [0.0, 1.0, 2.0, 3.0] * 8,
        **facts,
    }
    return LossFacts("cross_entropy", "mean", value, [32, 4], [32], "int64", UNIT, **values)


def numbers(target: Moments, output: Moments = UNIT, value: float = 1.0) -> LossFacts:
    """Return a squared error."""
    return LossFacts(
        "mse_loss", "mean", value, [32, 1], [32, 1], "float32", output=output, target=target
    )


def inputs(rows: list[float], moments: Moments = UNIT, **facts: Any) -> InputFacts:
    """Return a table of ten columns."""
    values: dict[str, Any] = {
        "columns": [(moments.mean, moments.std)] * 10,
        "features": 10,
        "distinct": 320,
        **facts,
    }
    return InputFacts([32, 10], "float32", moments, rows=rows, **values)


def sample(step: int, **facts: Any) -> Sample:
    """Return a sample with examples that no other step has."""
    rows = [float(32 * step + place) for place in range(32)]
    values: dict[str, Any] = {"inputs": [inputs(rows)], "losses": [classes()], **facts}
    values.setdefault("modules", {"first": Activity(True, values["inputs"][0].moments, UNIT)})
    return Sample(step, **values)


def record(samples: list[Sample], losses: list[float] | None = None, **facts: Any) -> Record:
    """Return a record of a network with one linear layer."""
    losses = losses if losses is not None else [1.0] * 100
    values: dict[str, Any] = {
        "modules": {"first": ModuleFacts("Linear", "linear", ["first.weight"], True, order=0)},
        "parameters": {"first.weight": ParameterFacts([4, 10], True, 0, 10)},
        "optimizers": [OptimizerFacts("SGD", {"lr": 1e-3})],
        "steps": [row(step + 1, loss) for step, loss in enumerate(losses)],
        "count": len(losses),
        **facts,
    }
    return Record(samples=samples, **values)


def passes(*losses: float, every: int = 20, **facts: Any) -> list[Evaluation]:
    """Return validation passes at even distances."""
    return [
        Evaluation(every * (place + 1), 1, 100, loss=loss, **facts)
        for place, loss in enumerate(losses)
    ]


def found(fault: str, seen: Record) -> list[Finding]:
    """Return what a check finds."""
    return [each for each in CHECKS[fault](seen) if isinstance(each, Finding)]


def unchecked(fault: str, seen: Record) -> bool:
    """Return whether a check says that it could not judge."""
    return any(isinstance(each, Unchecked) for each in CHECKS[fault](seen))
