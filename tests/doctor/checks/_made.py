"""Small records made by hand, for the checks of data."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from thalweg.doctor._finding import Finding
from thalweg.doctor.checks._check import CHECKS, Note, Unchecked
from thalweg.doctor.record import (
    Activity,
    Evaluation,
    InputFacts,
    LossFacts,
    ModuleFacts,
    Moments,
    Motion,
    Node,
    OptimizerFacts,
    ParameterFacts,
    Record,
    Sample,
    StepRow,
)

NODE_FACTS = ("module", "parameter", "factors", "constant")
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
        "output": UNIT,
        "counts": [8, 8, 8, 8],
        "predicted": [8, 8, 8, 8],
        "correct": [4, 4, 4, 4],
        "sequence": [0.0, 1.0, 2.0, 3.0] * 8,
        **facts,
    }
    return LossFacts("cross_entropy", "mean", value, [32, 4], [32], "int64", **values)


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
    moments = values["inputs"][0].moments if values["inputs"] else None
    values.setdefault("modules", {"first": Activity(True, moments, UNIT)})
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


def falling(first: float = 1.0, last: float = 0.01, count: int = 100) -> list[float]:
    """Return losses on a straight line."""
    return [first + (last - first) * step / (count - 1) for step in range(count)]


def motion(stake: float | None = 0.1, weight: float = 0.35, **facts: Any) -> Motion:
    """Return how a weight of 8 by 8 moved, with so much of a loss of one at stake in it."""
    gradient = None if stake is None else stake / (weight * 64)
    values: dict[str, Any] = {"update": 0.01 * weight, "nonfinite": 0, **facts}
    return Motion(weight, gradient, **values)


def tower(
    moved: dict[str, list[Motion]],
    losses: list[float] | None = None,
    *,
    steps: Sequence[int] = (1, 2, 3, 4, 5, 6, 7, 8),
    family: str = "linear",
    kind: str = "Linear",
    **facts: Any,
) -> Record:
    """Return a record of layers of 8 units in a row, whose loss no function tells.

    Args:
        moved: By layer and sampled step.
        losses: By step.
        steps: Those that were sampled.
        family: Of all layers.
        kind: Their class.
        facts: Of the record.
    """
    weights = {name: f"{name}.weight" for name in moved}
    options = {"inputs": 8.0, "outputs": 8.0}
    values: dict[str, Any] = {
        "modules": {
            name: ModuleFacts(kind, family, [weight], True, options, calls=5, order=place)
            for place, (name, weight) in enumerate(weights.items())
        },
        "parameters": {each: ParameterFacts([8, 8], True, 0, 8) for each in weights.values()},
        **facts,
    }
    count = max(map(len, moved.values()))
    samples = [
        sample(
            steps[place],
            losses=[],
            parameters={weights[n]: each[place] for n, each in moved.items() if place < len(each)},
        )
        for place in range(count)
    ]
    return record(samples, losses, **values)


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


def notes(fault: str, seen: Record) -> list[str]:
    """Return the hints of a check."""
    return [each.text for each in CHECKS[fault](seen) if isinstance(each, Note)]


def operation(name: str, shape: list[int] | None = None, *inputs: int, **facts: Any) -> Node:
    """Return an operation of a graph; what is no fact of a node is an option of it.

    Args:
        name: As autograd has it.
        shape: Of what it gives.
        inputs: By place; none for whatever comes next in the graph.
        facts: "module", "parameter", "factors", "constant", and options.
    """
    known = {name: facts.pop(name) for name in [*facts] if name in NODE_FACTS}
    return Node(name, [*inputs], shape or [], options=facts, **known)


def over_head(*operations: Node, outputs: int = 4) -> list[Node]:
    """Return the graph of operations, the loss first, over the output of a linear layer "head"."""
    head = len(operations)
    return [
        *(
            each if each.inputs or each.parameter else replace(each, inputs=[place + 1])
            for place, each in enumerate(operations)
        ),
        operation("Addmm", [32, outputs], head + 1, head + 2, head + 3, module="head"),
        operation("Parameter", [outputs], parameter="head.bias"),
        operation("Relu", [32, 8], module="act"),
        operation("T", [8, outputs], head + 4),
        operation("Parameter", [outputs, 8], parameter="head.weight"),
    ]
