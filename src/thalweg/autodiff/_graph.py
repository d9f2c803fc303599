"""The computational graph of a pass: values forward, gradients back."""

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves, tree_map

from thalweg._core import seeds
from thalweg._core.text_table import text_table
from thalweg.autodiff._graph_parts import Edge, Node, leaving, number, numbers
from thalweg.autodiff._graph_picture import draw
from thalweg.autodiff._rules import rule
from thalweg.autodiff._subject import one_number
from thalweg.autodiff._trace import Step, Trace

# Numbers that a person takes in at a glance.
FEW = 4


@dataclass(frozen=True)
class Graph:
    """Nodes in the order in which they ran, and the edges between them.

    Printing shows the table. A value with several users gets the sum of what they pass back.
    """

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    modules: Mapping[str, str]
    """The class of each module by its name."""

    def __getitem__(self, number: int) -> Node:
        return {each.number: each for each in self.nodes}[number]

    def before(self, node: Node) -> list[Edge]:
        """Return the edges that lead to a node."""
        return [each for each in self.edges if each.target == node.number]

    def after(self, node: Node) -> list[Edge]:
        """Return the edges that leave a node."""
        return leaving(self.edges, node)

    def picture(self, path: str | Path, depth: int | None = None) -> Path:
        """Write the graph as a standalone SVG.

        Args:
            path: Of the file.
            depth: Draw modules down to this depth as one box each; 0 draws every operation. By
                default every operation where they are few, else as deep as fits.

        Raises:
            RunError: The file cannot be written.
        """
        return draw(self.nodes, self.edges, self.modules, depth).save(path)

    def to_json(self) -> dict[str, Any]:
        """Return the graph as plain data."""
        return {
            "nodes": [asdict(each) for each in self.nodes],
            "edges": [asdict(each) for each in self.edges],
            "modules": dict(self.modules),
        }

    def __str__(self) -> str:
        headings = ("", "operation", "of", "shape", "value", "gradient", "passed on", "rule")
        rows = []
        for node in self.nodes:
            edges = self.before(node)
            branches = len(self.after(node))
            told = f"{node.rule}; added up from {branches}" if branches > 1 else node.rule
            rows.append(
                (
                    str(node.number),
                    f"{node.operation} {node.name}".strip(),
                    ", ".join(str(each.source) for each in edges),
                    "×".join(map(str, node.shape)) or "1",
                    numbers(node.value),
                    number(node.gradient),
                    ", ".join(number(each.downstream) for each in edges),
                    told.removeprefix("; "),
                )
            )
        return text_table(headings, rows, right="r    r")


def graph(
    function: nn.Module | Callable[..., Any],
    inputs: Tensor | Sequence[Any],
    *,
    loss: Callable[[Any], Tensor] | None = None,
    seed: int = 0,
) -> Graph:
    """Return the computational graph of a forward and backward pass.

    A module is copied; it, its buffers and the global random state stay as they are. Modules
    compiled or scripted are one box to Python, and so none of their operations is seen.

    Args:
        function: A network, a loss, or any function of tensors.
        inputs: Its argument, or a sequence of its arguments.
        loss: From its output to a number, which is then the last node. By default the gradients
            are those of the outputs' sum with random weights.
        seed: Of those weights, and of dropout.

    Raises:
        SettingError: No gradient flows from the output.

    Example:
        >>> x, y = torch.tensor(3.0), torch.tensor(-4.0)
        >>> print(graph(lambda x, y: x * y + x, [x, y]))
           operation  of    shape  value  gradient  passed on  rule
        0  input x0         1      3             3             added up from 2
        1  input x1         1      -4            3
        2  mul        0, 1  1      -12           1  4, 3       swaps: times the other factor
        3  add        2, 0  1      -9            1  1, 1       passes it on to both
    """
    module = copy.deepcopy(function) if isinstance(function, nn.Module) else None
    trace = Trace(module)
    arguments = [inputs] if isinstance(inputs, Tensor) else list(inputs)
    count = sum(_is_floating(each) for each in tree_leaves(arguments))
    names = iter([f"x{number}" if count > 1 else "x" for number in range(count)])

    def prepared(value: Any) -> Any:
        if not _is_floating(value):
            return value
        # A copy that is computed, since what is given must not be written to in place.
        started = value.detach().clone().requires_grad_().clone()
        trace.add(started, "input", next(names))
        return started

    with torch.enable_grad(), seeds.isolated(seed, "graph"):
        arguments = tree_map(prepared, arguments)
        with trace.named(module), trace:
            output = (function if module is None else module)(*arguments)
            output = output if loss is None else loss(output)
        value = one_number(output, seed)
        ends = [each for each in tree_leaves(output) if _is_floating(each) and each.requires_grad]
        places = [trace.place(each) for each in ends]
    leaves = [each for each in _leaves(value) if each.requires_grad]
    torch.autograd.grad(value, leaves, allow_unused=True)
    return _graph(trace, places)


def _leaves(value: Tensor) -> list[Tensor]:
    """Return the tensors where the backward pass ends."""
    found, seen, waiting = [], set(), [value.grad_fn]
    while waiting:
        node = waiting.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        variable = getattr(node, "variable", None)
        found += [] if variable is None else [variable]
        waiting += [following for following, _ in node.next_functions]
    return found


def _graph(trace: Trace, ends: list[int]) -> Graph:
    """Return the steps that lead to the outputs, in the order in which they ran."""
    needed, waiting = set(), list(ends)
    while waiting:
        place = waiting.pop()
        if place not in needed:
            needed.add(place)
            waiting += [link.source for link in trace.links if link.target == place]
    places = {place: number for number, place in enumerate(sorted(needed))}
    nodes = tuple(_node(trace.steps[place], number) for place, number in places.items())
    links = [each for each in trace.links if each.target in needed]
    users = [link.source for link in links]
    edges = []
    for link in links:
        found = _norm(link.gradients)
        if found is None and users.count(link.source) == 1:
            # Written to in place: the only user of a value passes back all that it gets.
            found = nodes[places[link.source]].gradient
        upstream = nodes[places[link.target]].gradient
        edges.append(Edge(places[link.source], places[link.target], upstream, found))
    return Graph(nodes, tuple(edges), trace.kinds)


def _node(step: Step, number: int) -> Node:
    value = step.value
    few = tuple(value.flatten().tolist()) if value.numel() <= FEW else None
    leaf = step.operation in ("input", "parameter", "tensor")
    name = step.name if leaf else (step.calls[-1][0] if step.calls else "")
    told = "" if leaf else rule(step.operation)
    gradient = _norm(step.gradients)
    return Node(number, step.operation, name, step.shape, few, told, gradient, step.calls)


def _norm(gradients: list[Tensor]) -> float | None:
    if not gradients:
        return None
    return sum(float(each.double().square().sum()) for each in gradients) ** 0.5


def _is_floating(value: Any) -> bool:
    return isinstance(value, Tensor) and value.is_floating_point()
