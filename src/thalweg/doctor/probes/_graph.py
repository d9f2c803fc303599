"""The graph of a loss, as autograd keeps it."""

from collections import deque
from typing import Any

import torch
from torch import Tensor, nn

from thalweg.doctor.probes._constants import MOST_DETAILED, add_constants, saved
from thalweg.doctor.probes._moments import Range, thinned, unit_axis
from thalweg.doctor.record import Activation, Node

MOST_NODES = 4000
MOST_ACTIVATIONS = 64
KINDS = {"Relu": "relu", "Tanh": "tanh", "Sigmoid": "sigmoid"}
BOUNDS = {"relu": (0.0, 0.0), "tanh": (-1.0, 1.0), "sigmoid": (0.0, 1.0)}
# How near to a bound counts as being there, as a share of the distance between the bounds.
NEAR = 0.01


class Graph:
    """One loss graph: plain nodes, and autograd's own beside them for as long as it lives.

    Args:
        root: The tensor that `backward` is called on.
        names: Of the watched parameters, by identity.
        modules: Of the modules, by the operation that gave their output.
        is_detailed: Whether to read the constants of the operations, too.
    """

    def __init__(
        self,
        root: Tensor,
        names: dict[int, str],
        modules: dict[Any, str],
        is_detailed: bool = False,
    ) -> None:
        self.nodes: list[Node] = []
        self.raw: list[Any] = []
        self.is_whole = True
        index: dict[Any, int] = {}
        queue = deque([root.grad_fn])
        if root.grad_fn is not None:
            index[root.grad_fn] = 0
        while queue:
            raw = queue.popleft()
            if raw is None:
                continue
            inputs = []
            for following, _ in raw.next_functions:
                if following is None:
                    continue
                if following not in index:
                    index[following] = len(index)
                    queue.append(following)
                inputs.append(index[following])
            self.raw.append(raw)
            self.nodes.append(_node(raw, inputs, names, modules.get(raw)))
            if len(self.nodes) >= MOST_NODES:
                self.is_whole = False
                break
        if not self.is_whole:
            for node in self.nodes:
                node.inputs = [each for each in node.inputs if each < len(self.nodes)]
        self.index = index
        if is_detailed:
            for node, raw in zip(self.nodes[:MOST_DETAILED], self.raw, strict=False):
                add_constants(node, raw)

    def parameters(self) -> set[str]:
        """Return the names of the parameters that the loss depends on."""
        return {node.parameter for node in self.nodes if node.parameter is not None}

    def place(self, value: Tensor) -> int | None:
        """Return where a tensor stands in the graph."""
        place = self.index.get(value.grad_fn) if value.grad_fn is not None else None
        return place if place is not None and place < len(self.nodes) else None

    def activations(self, ranges: dict[tuple[str, int], Range]) -> list[Activation]:
        """Return the state of the nonlinearities, and widen the ranges of their units."""
        found = []
        for place, (node, raw) in enumerate(zip(self.nodes, self.raw, strict=True)):
            kind = KINDS.get(node.name)
            if kind is None:
                continue
            values = saved(raw, "_saved_result")
            if values is None or values.ndim < 2:
                continue
            before = self.nodes[node.inputs[0]] if node.inputs else node
            is_convolutional = "onvolution" in before.name or "BatchNorm" in before.name
            module = node.module or self._source(place)
            units = ranges.setdefault((module, len(found)), Range())
            axis = unit_axis(values.shape, is_convolutional)
            units.add(values, axis)
            found.append(_activation(kind, module, values, values.shape[axis], units))
            if len(found) == MOST_ACTIVATIONS:
                break
        return found

    def _source(self, place: int) -> str:
        """Return the nearest module before a node, going by first inputs."""
        for _ in range(8):
            node = self.nodes[place]
            if node.module is not None:
                return node.module
            if not node.inputs:
                break
            place = node.inputs[0]
        return "?"


def _node(raw: Any, inputs: list[int], names: dict[int, str], module: str | None) -> Node:
    variable = getattr(raw, "variable", None)
    if isinstance(variable, Tensor):
        # Inputs may want gradients too; only a Parameter is somebody's weight.
        name = names.get(id(variable), "?" if isinstance(variable, nn.Parameter) else None)
        return Node("Parameter" if name else "Leaf", [], list(variable.shape), None, name)
    name = type(raw).__name__.removesuffix("0").removesuffix("Backward")
    metadata = getattr(raw, "_input_metadata", None)
    shape = list(metadata[0].shape) if metadata else []
    return Node(name, inputs, shape, module)


def _activation(kind: str, module: str, values: Tensor, units: int, seen: Range) -> Activation:
    low, high = BOUNDS[kind]
    some = thinned(values)
    zero = float((some == 0).float().mean())
    if kind == "relu":
        return Activation(kind, module, zero, 0.0, units, seen.within(0.0, 0.0))
    near = NEAR * (high - low)
    at_bound = float(((some < low + near) | (some > high - near)).float().mean())
    dead = seen.within(low, low + near) + seen.within(high - near, high)
    return Activation(kind, module, zero, at_bound, units, dead)


@torch.no_grad()
def rows_equal(values: Tensor) -> bool:
    """Return whether all rows of a matrix (or of a kernel, by output channel) are the same."""
    if values.ndim < 2 or len(values) < 2 or not values[0].equal(values[1]):
        return False
    return bool((values == values[:1]).all())
