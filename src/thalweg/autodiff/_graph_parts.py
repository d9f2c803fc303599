"""What a computational graph consists of: operations, and the values between them."""

from collections.abc import Iterable
from dataclasses import dataclass

from thalweg.autodiff._trace import Call


@dataclass(frozen=True)
class Node:
    """An operation, an input or a parameter."""

    number: int
    operation: str
    """What torch calls it; "input", "parameter" and "tensor" were there before."""
    name: str
    """Of an input or parameter; of an operation, the module that runs it."""
    shape: tuple[int, ...]
    """Of its output."""
    value: tuple[float, ...] | None
    """Of its output, where that is at most four numbers."""
    rule: str
    """What it does with the gradient that arrives at its output."""
    gradient: float | None
    """The norm of that gradient; None where none arrives."""
    calls: tuple[Call, ...] = ()
    """The modules running it, each with the number of its call."""

    @property
    def is_leaf(self) -> bool:
        """Whether it was there before."""
        return self.operation in ("input", "parameter", "tensor")


@dataclass(frozen=True)
class Edge:
    """A value on its way from one node to another, and the gradient on its way back."""

    source: int
    target: int
    upstream: float | None
    """The norm of the gradient that arrives at the target's output."""
    downstream: float | None
    """The norm of what the target passes on to the source."""


def leaving(edges: Iterable[Edge], node: Node) -> list[Edge]:
    """Return the edges that leave a node."""
    return [each for each in edges if each.source == node.number]


def number(value: float | None) -> str:
    """Return a number with three digits; nothing where there is none."""
    return "" if value is None else f"{value:.3g}"


def numbers(values: tuple[float, ...] | None) -> str:
    """Return a few numbers, or nothing."""
    return "" if values is None else ", ".join(map(number, values))
