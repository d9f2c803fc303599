"""The computational graph as a picture: values run down, gradients up."""

import math
import textwrap
from collections.abc import Mapping, Sequence

from thalweg._core.labelled_box import LabelledBox
from thalweg._core.layered import Layout, layered
from thalweg._core.svg import Drawing
from thalweg.autodiff._graph_groups import grouped
from thalweg.autodiff._graph_parts import Edge, Node, number, numbers
from thalweg.errors import SettingError

# More boxes than this are no picture any more but wallpaper.
MOST_BOXES = 40
DEEPEST = 8
PADDING, BETWEEN, MARGIN, HEAD = 9.0, 46.0, 28.0, 76.0
# Neighbouring lines reach a box this far apart, if it is wide enough.
APART = 52.0
# Characters of a rule beside each other.
RULE = 30
# From the faintest line to the thickest, which is as much as five orders of magnitude.
THINNEST, THICKEST, ORDERS = 0.8, 5.0, 5.0


def draw(
    nodes: Sequence[Node], edges: Sequence[Edge], modules: Mapping[str, str], depth: int | None
) -> Drawing:
    """Return a graph as a drawing; by default as deep into its modules as fits."""
    if depth is not None and depth < 0:
        raise SettingError(f"depth must be at least 0, got {depth}. 0 draws every operation.")
    if depth is None:
        depth = 0 if len(nodes) <= MOST_BOXES else _fitting(nodes, edges, modules)
    if depth:
        nodes, edges = grouped(nodes, edges, modules, depth)
    boxes = [_box(node) for node in nodes]
    layout = layered([box.width for box in boxes], [(edge.source, edge.target) for edge in edges])
    tops, height = _tops(boxes, layout)
    width = max(layout.width + 2 * MARGIN, 420.0)
    drawing = Drawing(width, height, "Computational graph")
    _draw_head(drawing)
    shift = (width - layout.width) / 2
    centres = [each + shift for each in layout.centres]
    _draw_edges(drawing, edges, boxes, layout, tops, shift)
    for node, box, centre in zip(nodes, boxes, centres, strict=True):
        top, height = tops[layout.layers[node.number]]
        fill = "paper" if node.is_leaf else "card"
        edge = "first" if node.operation == "input" else "rule"
        hint = f"{node.number}: {node.operation} {node.name}".strip()
        top += (height - box.height) / 2
        box.draw(drawing, centre, top, fill=fill, edge=edge, hint=hint)
    return drawing


def _fitting(nodes: Sequence[Node], edges: Sequence[Edge], modules: Mapping[str, str]) -> int:
    """Return the greatest depth at which the boxes are few enough; 1 where none is."""
    counts = {
        depth: len(grouped(nodes, edges, modules, depth)[0]) for depth in range(1, DEEPEST + 1)
    }
    return max((depth for depth, count in counts.items() if count <= MOST_BOXES), default=1)


def _box(node: Node) -> LabelledBox:
    title = node.name or node.operation if node.is_leaf else node.operation
    lines = [(title, "ink", 13.0, True)]
    where = [node.name] if node.name and not node.is_leaf else []
    shape = "×".join(map(str, node.shape))
    lines += [(" · ".join([*where, *([shape] if shape else [])]), "muted", 11.0, False)]
    if node.value is not None:
        lines.append((f"= {numbers(node.value)}", "first", 12.0, False))
    lines += [(part, "muted", 11.0, False) for part in textwrap.wrap(node.rule, RULE)]
    if node.gradient is not None:
        lines.append((f"gradient {number(node.gradient)}", "second", 12.0, False))
    return LabelledBox([line for line in lines if line[0]], PADDING)


def _tops(boxes: list[LabelledBox], layout: Layout) -> tuple[list[tuple[float, float]], float]:
    """Return the top and height of each layer, and the height of the picture."""
    heights = [0.0] * (max(layout.layers, default=0) + 1)
    for box, layer in zip(boxes, layout.layers, strict=True):
        heights[layer] = max(heights[layer], box.height)
    tops, top = [], HEAD
    for height in heights:
        tops.append((top, height))
        top += height + BETWEEN
    return tops, top - BETWEEN + MARGIN


def _draw_head(drawing: Drawing) -> None:
    drawing.text(16, 26, drawing.title, size=15, bold=True)
    drawing.text(16, 46, "Down the lines: values.", colour="muted")
    told = "Up the lines, in this colour: the norm of the gradient passed back."
    drawing.text(16, 62, told, colour="second")


def _draw_edges(
    drawing: Drawing,
    edges: Sequence[Edge],
    boxes: list[LabelledBox],
    layout: Layout,
    tops: list[tuple[float, float]],
    shift: float,
) -> None:
    sizes = [edge.downstream for edge in edges if edge.downstream]
    largest = max(sizes, default=1.0)
    starts = _ports(edges, boxes, layout, "source", 1)
    stops = _ports(edges, boxes, layout, "target", -2)
    labels = []
    for row, (edge, route) in enumerate(zip(edges, layout.routes, strict=True)):
        points = [(x + shift, tops[layer][0] + tops[layer][1] / 2) for x, layer in route]
        ends = boxes[edge.source].height / 2, boxes[edge.target].height / 2
        points[0] = (points[0][0] + starts[row], points[0][1] + ends[0])
        points[-1] = (points[-1][0] + stops[row], points[-1][1] - ends[1])
        width = THINNEST if edge.downstream is not None else (THINNEST + THICKEST) / 2
        if edge.downstream:
            orders = math.log10(edge.downstream / largest) / ORDERS
            width = max(THINNEST, THICKEST + (THICKEST - THINNEST) * max(orders, -1.0))
        # Along several edges between two modules only the sum is felt, which others may add to.
        is_unknown = edge.downstream is None
        told = "not known apart" if is_unknown else f"{number(edge.downstream)} passed back"
        hint = f"{edge.source} to {edge.target}: {told}"
        drawing.path(points, width=width, curved=True, dashed=is_unknown, hint=hint)
        labels.append((points[-1], number(edge.downstream)))
    for (x, y), text in labels:
        drawing.text(x, y - 7, text, colour="second", size=11, anchor="middle", halo=True)


def _ports(
    edges: Sequence[Edge], boxes: list[LabelledBox], layout: Layout, end: str, neighbour: int
) -> list[float]:
    """Return how far from a box's middle each edge touches it, in the order of where they go."""
    ports = [0.0] * len(edges)
    for place, box in enumerate(boxes):
        own = [row for row, edge in enumerate(edges) if getattr(edge, end) == place]
        own.sort(key=lambda row: layout.routes[row][neighbour][0])
        apart = min(APART, box.width / (len(own) or 1))
        for order, row in enumerate(own):
            ports[row] = (order - (len(own) - 1) / 2) * apart
    return ports
