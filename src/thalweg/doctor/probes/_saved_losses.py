"""Losses that no function of torch was seen to compute, read off the graph."""

from typing import Any

from torch import Tensor

from thalweg.doctor.probes._constants import saved
from thalweg.doctor.probes._graph import Graph
from thalweg.doctor.record import Node

REDUCTIONS = ("none", "mean", "sum")


def saved_loss(graph: Graph) -> tuple[str, Tensor, Tensor, str] | None:
    """Return the loss function nearest the root with output, target and reduction, off the graph.

    This finds losses that were imported under another name before the watch began.
    """
    kinds = {
        "NllLoss": "nll_loss",
        "NllLoss2D": "nll_loss",
        "MseLoss": "mse_loss",
        "SmoothL1Loss": "smooth_l1_loss",
        "HuberLoss": "huber_loss",
        "BinaryCrossEntropy": "binary_cross_entropy",
        "BinaryCrossEntropyWithLogits": "binary_cross_entropy_with_logits",
    }
    for place, (node, raw) in enumerate(zip(graph.nodes, graph.raw, strict=True)):
        if node.name not in kinds:
            continue
        output, target = saved(raw, "_saved_self"), saved(raw, "_saved_target")
        if output is None or target is None:
            return None
        kind = kinds[node.name]
        below = graph.nodes[node.inputs[0]].name if node.inputs else ""
        # Cross-entropy is these two; which of them the user called, the graph does not tell,
        # and log-probabilities are logits too.
        if kind == "nll_loss" and below == "LogSoftmax":
            kind = "cross_entropy"
        del place
        number = getattr(raw, "_saved_reduction", 1)
        return kind, output, target, REDUCTIONS[number] if number in (0, 1, 2) else "mean"
    return None


def own_loss(graph: Graph, outputs: dict[Any, Tensor]) -> tuple[str, Tensor, Tensor] | None:
    """Return a squared or absolute error that the loop wrote itself: form, output and target.

    The error is saved for the gradient, and the target is what lies between it and the output.

    Args:
        graph: With no loss function in it.
        outputs: What the watched networks gave, by the operation that gave it.
    """
    for node, raw in zip(graph.nodes, graph.raw, strict=True):
        base = node.name.split("Backward")[0]
        is_square = _is_square(node, raw, base)
        error = saved(raw, "_saved_self") if is_square or base == "Abs" else None
        below = raw.next_functions[0][0] if error is not None else None
        if below is None or type(below).__name__ not in ("SubBackward0", "RsubBackward1"):
            continue
        sides = [each for each, _ in below.next_functions]
        one = [each for each in sides if each is not None]
        output = _value(one[0], outputs) if len(one) == 1 else None
        if error is None or output is None or output.ndim != error.ndim:
            continue
        is_minuend = type(below).__name__ == "SubBackward0" and sides[0] is not None
        target = output - error if is_minuend else output + error
        return ("squared error" if is_square else "absolute error"), output, target
    return None


def _is_square(node: Node, raw: Any, base: str) -> bool:
    if base == "Mul":
        return len(node.inputs) == 2 and node.inputs[0] == node.inputs[1]
    return base == "Pow" and getattr(raw, "_saved_exponent", None) == 2


def _value(raw: Any, outputs: dict[Any, Tensor], depth: int = 4) -> Tensor | None:
    """Return what an operation gave, where it is known or can be had again for little."""
    if raw in outputs:
        return outputs[raw]
    result = saved(raw, "_saved_result")
    base = type(raw).__name__.split("Backward")[0]
    if result is not None or not depth or not getattr(raw, "next_functions", ()):
        return result if base in ("Sigmoid", "Tanh", "Relu", "Softmax") else None
    if base.startswith("Clamp"):
        given = saved(raw, "_saved_self")
        low, high = getattr(raw, "_saved_min", None), getattr(raw, "_saved_max", None)
        if given is None or (low is None and high is None):
            return None
        return given.clamp(low, high)
    if base == "Select":
        given = _value(raw.next_functions[0][0], outputs, depth - 1)
        axis = raw._saved_dim - 2**64 if raw._saved_dim > 2**63 else raw._saved_dim
        place = raw._saved_index - 2**64 if raw._saved_index > 2**63 else raw._saved_index
        return None if given is None else given.select(axis, place)
    if base in ("View", "UnsafeView", "Squeeze", "Unsqueeze"):
        given = _value(raw.next_functions[0][0], outputs, depth - 1)
        return None if given is None else given.reshape(list(raw._input_metadata[0].shape))
    return None
