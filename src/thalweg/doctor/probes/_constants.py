"""Numbers that the operations of a graph were given, from what autograd keeps of them."""

from typing import Any

import torch
from torch import Tensor

from thalweg.doctor.probes._moments import thinned
from thalweg.doctor.record import Node

# Nodes nearest the root whose constants are read.
MOST_DETAILED = 500
# Numbers that an operation saves, and what they are called in the record.
OPTIONS = {
    "_saved_dim": "dim",
    "_saved_min": "min",
    "_saved_max": "max",
    "_saved_min_val": "min",
    "_saved_max_val": "max",
    "_saved_exponent": "exponent",
    "_saved_alpha": "alpha",
    "_saved_reduction": "reduction",
}
PRODUCTS = ("Mul", "Div")


def add_constants(node: Node, raw: Any) -> None:
    """Read the numbers that an operation was given, from what it saved for its gradient."""
    for attribute, name in OPTIONS.items():
        value = getattr(raw, attribute, None)
        if isinstance(value, (int, float)):
            # Axes counted from the end are saved as unsigned numbers.
            node.options[name] = float(value - 2**64 if value > 2**63 else value)
    following = [each for each, _ in raw.next_functions]
    if len(following) > 1 and following[0] is None and following[1] is not None:
        node.options["operand"] = 1.0
    base = node.name.split("Backward")[0]
    if base not in PRODUCTS:
        return
    operands = [_operand(raw, "_saved_self"), _operand(raw, "_saved_other")]
    for place, each in enumerate(following):
        if each is not None:
            other = operands[1] if base == "Div" else operands[1 - place]
            node.factors.append(_ends(other))
            if sum(one is not None for one in following) == 1 and isinstance(other, Tensor):
                node.constant = list(other.shape)


def _operand(raw: Any, name: str) -> Tensor | float | None:
    try:
        value = getattr(raw, name, None)
    except RuntimeError:
        return None
    return float(value) if isinstance(value, (int, float)) else saved(raw, name)


def _ends(value: Tensor | float | None) -> list[float]:
    if isinstance(value, (int, float)):
        return [value, value]
    if value is None or not value.numel() or value.is_complex():
        return []
    return torch.stack(thinned(value).float().aminmax()).tolist()


def saved(raw: Any, name: str) -> Tensor | None:
    """Return what an operation saved for its gradient; None if it is gone or was overwritten."""
    try:
        value = getattr(raw, name, None)
    except RuntimeError:
        return None
    return value.detach() if isinstance(value, Tensor) else None
