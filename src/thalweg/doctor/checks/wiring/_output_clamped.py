"""Outputs that cannot go where the targets are."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from thalweg.doctor._finding import Finding, Remedy
from thalweg.doctor.checks._check import Answer, Unchecked, check
from thalweg.doctor.checks.reading._region import NEUTRAL, base, is_opaque, region, where
from thalweg.doctor.checks.reading._shapes import is_error
from thalweg.doctor.record import LossFacts, Node, Record

BOUNDS = {
    "Relu": (0.0, math.inf),
    "Tanh": (-1.0, 1.0),
    "Sigmoid": (0.0, 1.0),
    "Softplus": (0.0, math.inf),
    "Hardsigmoid": (0.0, 1.0),
    "Softmax": (0.0, 1.0),
    "Abs": (0.0, math.inf),
    "Exp": (0.0, math.inf),
    # The lowest of each, for ELU that of its self-normalizing kin.
    "Elu": (-1.7581, math.inf),
    "Silu": (-0.2785, math.inf),
    "Gelu": (-0.17, math.inf),
}
# Of logits these belong to double-softmax, or do no harm: softplus has a gradient everywhere.
NOT_OF_LOGITS = ("Sigmoid", "Softmax", "Softplus")
OF_LOGITS = ("LogSoftmax", "BinaryCrossEntropyWithLogits", "LogSigmoid")
ERRORS = ("MseLoss", "SmoothL1Loss", "HuberLoss")
# The loss that is left where every answer is right and as sure as the bounds allow. Below this,
# the network is at least 95 % sure, and noise of real labels costs more.
LARGEST_REST = 0.05
# Share of the targets' variance that lies beyond the bounds. A few targets outside, by noise or
# by rounding, cost nothing that matters.
LARGEST_LOSS = 0.03


@dataclass(frozen=True)
class Bound:
    """The range of an output, and the operation that sets it."""

    low: float
    high: float
    node: Node


@check("output-clamped", explains=("plateau", "dead-units", "saturated-units", "input-ignored"))
def check_output_clamped(record: Record) -> Iterator[Answer]:
    """Find a bounded operation behind the last weights, and what it makes unreachable."""
    if is_opaque(record):
        yield Unchecked("the loss graph could not be seen")
        return
    graph = record.graph
    for place in region(graph):
        name = base(graph[place])
        if name in OF_LOGITS:
            yield from _of_logits(record, place)
        elif name in ERRORS or is_error(graph, place):
            yield from _of_numbers(record, place)


def _of_logits(record: Record, place: int) -> Iterator[Answer]:
    taker = record.graph[place]
    bound = _bound(record.graph, place)
    if bound is None or base(bound.node) in NOT_OF_LOGITS:
        return
    rest = _rest(base(taker), taker, bound)
    is_rectified = base(bound.node) == "Relu"
    if rest < LARGEST_REST and not is_rectified:
        return
    evidence: dict[str, object] = {
        "operation": base(bound.node).lower(),
        **_range(bound, "logit"),
    }
    if rest >= LARGEST_REST:
        evidence["smallest possible loss"] = rest
    yield _finding(bound, evidence, "logits")


def _rest(taker: str, node: Node, bound: Bound) -> float:
    """Return the loss of the surest right answers."""
    if taker != "LogSoftmax":
        return max(math.log1p(math.exp(-bound.high)), math.log1p(math.exp(bound.low)))
    axis = int(node.options.get("dim", 1))
    classes = node.shape[axis] if node.shape else 2
    return math.log1p((classes - 1) * math.exp(bound.low - bound.high))


def _of_numbers(record: Record, place: int) -> Iterator[Answer]:
    start = place
    if is_error(record.graph, place):
        start = record.graph[place].inputs[0]  # The difference.
    bound = _bound(record.graph, start)
    kinds = ("mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss", "custom")
    facts = [loss for sample in record.samples for loss in sample.losses if loss.kind in kinds]
    if bound is None:
        return
    lost, outside = _beyond(facts, bound)
    if lost < LARGEST_LOSS:
        return
    evidence = {
        "operation": base(bound.node).lower(),
        **_range(bound, "output"),
        "lowest target": min(loss.target.low for loss in facts if loss.target is not None),
        "highest target": max(loss.target.high for loss in facts if loss.target is not None),
        "targets out of reach": outside,
        "share of their variance": lost,
    }
    yield _finding(bound, evidence, "output")


def _beyond(facts: list[LossFacts], bound: Bound) -> tuple[float, float]:
    """Return the shares of the targets' variance, and of the targets, beyond the bounds."""
    targets = [each for loss in facts for each in loss.sequence if math.isfinite(each)]
    if not targets:
        return 0.0, 0.0
    mean = sum(targets) / len(targets)
    variance = sum((each - mean) ** 2 for each in targets)
    beyond = [max(bound.low - each, each - bound.high, 0.0) for each in targets]
    if not variance:
        return 0.0, 0.0
    lost = sum(each**2 for each in beyond) / variance
    return min(1.0, lost), sum(each > 0 for each in beyond) / len(targets)


def _bound(graph: list[Node], place: int) -> Bound | None:
    """Return the bounds of what a node is given, followed through scalings; None without any."""
    factor = 1.0
    for _ in range(len(graph)):
        if not graph[place].inputs:
            return None
        place = graph[place].inputs[0]
        node, name = graph[place], base(graph[place])
        ends = _ends(node)
        if ends is not None:
            low, high = sorted(factor * each for each in ends)
            return Bound(low, high, node)
        if name in ("Mul", "Div") and len(node.inputs) == 1 and node.factors:
            scale = node.factors[0]
            if not scale or scale[0] != scale[1] or not scale[0] or "operand" in node.options:
                return None
            factor *= scale[0] if name == "Mul" else 1 / scale[0]
        elif name not in NEUTRAL or name in ("Cat", "Stack"):
            return None
    return None


def _ends(node: Node) -> tuple[float, float] | None:
    """Return the range of a bounded operation; None for any other."""
    name = base(node)
    if name.startswith("Clamp") or name == "Hardtanh":
        return node.options.get("min", -math.inf), node.options.get("max", math.inf)
    if name == "Pow" and node.options.get("exponent") == 2:
        return 0.0, math.inf
    return BOUNDS.get(name)


def _range(bound: Bound, what: str) -> dict[str, float]:
    ends = {f"lowest {what}": bound.low, f"highest {what}": bound.high}
    return {name: end for name, end in ends.items() if math.isfinite(end)}


def _finding(bound: Bound, evidence: dict[str, object], what: str) -> Finding:
    return Finding(
        fault="output-clamped",
        where=where(bound.node),
        severity="error",
        confidence=0.97,
        evidence=evidence,
        remedy=Remedy(
            f"Remove the {base(bound.node).lower()} behind the last layer: let the {what} be "
            "what the linear layer gives."
        ),
    )
