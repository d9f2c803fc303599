"""What a loss is made of: the errors and likelihoods that it adds up, with sign and weight."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple

from thalweg.doctor.checks.reading._region import NEUTRAL, base, below, is_weighted, size
from thalweg.doctor.checks.reading._shapes import (
    CHANCES,
    LIKELIHOODS,
    is_cosine,
    is_error,
    is_likelihood,
)
from thalweg.doctor.record import Node, Record

# Most ways from the root to a term that are followed; a loop over examples makes thousands.
MOST_STEPS = 20_000
FUNCTIONS = {
    "NllLoss", "NllLoss2D", "MseLoss", "SmoothL1Loss", "HuberLoss", "BinaryCrossEntropy",
    "BinaryCrossEntropyWithLogits", "SoftMarginLoss",
}  # fmt: skip
MEAN = 1.0
# Gradient scaling multiplies by a power of two from this on, and divides again before the step.
SMALLEST_SCALER = 1024


@dataclass(frozen=True)
class Term:
    """One error or likelihood in a loss."""

    place: int
    """Of its operation in the graph."""
    kind: Literal["error", "likelihood", "similarity"]
    """An error is to become small, a likelihood or similarity large."""
    sign: int
    """How the loss goes with it: 1, −1, or 0 where that is unknown."""
    weight: float | None
    """What the loss changes by when one entry of it changes by one; None where unknown."""

    @property
    def is_wrong_way(self) -> bool:
        """Whether minimizing the loss makes an error large or a likelihood small."""
        return self.sign == (-1 if self.kind == "error" else 1)

    @property
    def is_right_way(self) -> bool:
        """Whether minimizing the loss makes an error small or a likelihood large."""
        return self.sign == (1 if self.kind == "error" else -1)


class Part(NamedTuple):
    """An operation that a loss is a linear function of."""

    place: int
    sign: int
    weight: float | None
    is_chosen: bool
    """Whether targets have picked some of its entries, or all by how much they count."""


def terms(record: Record) -> list[Term]:
    """Return the terms that a loss is a linear function of; those it hides are not found."""
    graph = record.graph
    found: list[Term] = []
    queue = [Part(0, 1, 1.0, False)] if graph else []
    for _ in range(MOST_STEPS):
        if not queue:
            break
        part = queue.pop()
        term = _term(graph, part)
        if term is not None:
            found.append(term)
        elif not is_weighted(graph, part.place):
            queue.extend(_onwards(graph, part))
    return found


def _term(graph: list[Node], part: Part) -> Term | None:
    """Return the term that an operation is, if it is one."""
    place, sign, weight = part.place, part.sign, part.weight
    name = base(graph[place])
    if name in ("NllLoss", "NllLoss2D"):
        return _negative_likelihood(graph, place, sign, weight)
    if name in FUNCTIONS:
        return Term(place, "error", sign, _per_entry(graph, place, weight))
    if is_likelihood(graph, place) or (name in CHANCES and part.is_chosen):
        return Term(place, "likelihood", sign, weight)
    if is_error(graph, place):
        return Term(place, "error", sign, weight)
    if is_cosine(graph, place):
        return Term(place, "similarity", sign, weight)
    return None


def _negative_likelihood(graph: list[Node], place: int, sign: int, weight: float | None) -> Term:
    """Return what `nll_loss` takes the negative of, which may itself have a minus too many."""
    weight = _per_entry(graph, place, weight)
    under = below(graph, place)
    turns = 0
    while under is not None and base(graph[under]) == "Neg":
        turns += 1
        under = below(graph, under)
    if under is None or base(graph[under]) not in LIKELIHOODS:
        return Term(place, "error", sign * (-1) ** turns, weight)
    return Term(place, "likelihood", -sign * (-1) ** turns, weight)


def _per_entry(graph: list[Node], place: int, weight: float | None) -> float | None:
    """Return the weight of one compared entry, where a loss function takes the mean of them."""
    node = graph[place]
    given = graph[node.inputs[0]].shape if node.inputs else []
    entries = size(given)
    if base(node) == "NllLoss":
        entries = given[0] if len(given) > 1 else 1
    elif base(node) == "NllLoss2D":
        entries = entries // max(1, given[1]) if len(given) > 1 else entries
    is_mean = node.options.get("reduction", MEAN) == MEAN
    return weight if weight is None or not is_mean else weight / max(1, entries)


def _onwards(graph: list[Node], part: Part) -> Iterator[Part]:
    """Yield the inputs of a linear operation, with the sign and weight that they have in it."""
    node, name = graph[part.place], base(graph[part.place])
    sign, weight = part.sign, part.weight
    if name in ("Mul", "Div"):
        yield from _scaled(node, name, part)
    elif name in ("Add", "Sub", "Rsub"):
        step = node.options.get("alpha", 1.0)
        for number, each in enumerate(node.inputs):
            operand = number + int(node.options.get("operand", 0))
            is_minus = (name == "Sub" and operand == 1) or (name == "Rsub" and operand == 0)
            turned = sign * (-1 if is_minus else 1) * (1 if step >= 0 else -1)
            yield Part(each, turned, weight, part.is_chosen)
    elif name == "Neg":
        yield Part(node.inputs[0], -sign, weight, part.is_chosen)
    elif name == "Mean" and node.inputs:
        given = graph[node.inputs[0]].shape
        entries = size(given) / max(1, size(node.shape))
        weight = None if weight is None else weight / max(1.0, entries)
        yield Part(node.inputs[0], sign, weight, part.is_chosen)
    elif name in ("Sum", "Where", "MaskedFill", "Nansum") or name in NEUTRAL:
        for each in node.inputs:
            yield Part(each, sign, weight, part.is_chosen or name in ("Gather", "Index"))
    elif name == "Sqrt":
        yield Part(node.inputs[0], sign, None, part.is_chosen)


def _scaled(node: Node, name: str, part: Part) -> Iterator[Part]:
    """Yield the input of a product with something fixed, or what is divided."""
    is_quotient_of_fixed = name == "Div" and "operand" in node.options
    if is_quotient_of_fixed or (name == "Mul" and len(node.inputs) != 1):
        return
    if not node.inputs or not node.factors or not node.factors[0]:
        return
    low, high = node.factors[0]
    if low < 0 < high:
        yield Part(node.inputs[0], 0, None, part.is_chosen)
        return
    turned = part.sign * (-1 if low < 0 else 1)
    # Of a table of factors, say of ones for the right classes, the largest tells the weight.
    factor = max(abs(low), abs(high))
    if name == "Div":
        factor = 1 / factor if factor else 0.0
    if factor >= SMALLEST_SCALER and math.log2(factor).is_integer():
        factor = 1.0
    is_table = name == "Mul" and size(node.constant or []) > 1
    is_chosen = part.is_chosen or (is_table and low >= 0)
    weight = None if part.weight is None else part.weight * factor
    yield Part(node.inputs[0], turned, weight, is_chosen)
