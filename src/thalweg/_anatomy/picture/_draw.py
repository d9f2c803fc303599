"""The data flow of a network as a drawing: it runs down, branches lie side by side."""

from collections.abc import Sequence
from dataclasses import dataclass

from thalweg._anatomy._boxes import Block
from thalweg._anatomy._table import times
from thalweg._anatomy.picture._nodes import Flow, Node, flow, is_within
from thalweg._core import formats
from thalweg._core.labelled_box import LabelledBox
from thalweg._core.layered import Layout, layered
from thalweg._core.svg import Drawing

PADDING, BETWEEN, MARGIN, HEAD = 12.0, 32.0, 48.0, 84.0
# Room around the boxes of a frame, and above them for its name.
AROUND, ABOVE = 12.0, 13.0
COLOURS = {"weights": "first", "pool": "third", "join": "second", "input": "muted"}
# Operations by the signs that papers draw for them.
SIGNS = {"add": "+", "mul": "×", "cat": "concatenate", "stack": "stack", "sub": "−"}


@dataclass(frozen=True)
class _Frame:
    """A frame around the boxes of one module."""

    path: str
    label: str
    is_repeated: bool
    inside: list[int]
    depth: int
    """How many frames lie within it, one in the other."""


def draw(blocks: Sequence[Block], title: str, totals: str) -> Drawing:
    """Return a network as a drawing.

    Args:
        blocks: Its data flow.
        title: Of the picture.
        totals: A line about the whole.
    """
    shown = flow(blocks)
    boxes = [_box(node) for node in shown.nodes]
    edges = [(source, at) for at, node in enumerate(shown.nodes) for source in node.sources]
    layout = layered([box.width for box in boxes], edges, gap=32.0)
    frames = _frames(shown)
    tops, height = _tops(boxes, layout, frames)
    width = max(layout.width + 2 * MARGIN, len(title) * 9.0 + 40, len(totals) * 6.8 + 40)
    shift = (width - layout.width) / 2
    drawing = Drawing(width, height, title)
    drawing.text(20, 32, title, size=17, bold=True)
    drawing.text(20, 52, totals, colour="muted")
    places = [
        (centre + shift, tops[layer][0] + (tops[layer][1] - box.height) / 2)
        for centre, layer, box in zip(layout.centres, layout.layers, boxes, strict=True)
    ]
    corners = []
    for frame in sorted(frames, key=lambda each: -each.depth):
        sides = _sides(frame, boxes, layout, edges)
        corner = _draw_frame(drawing, frame, (sides[0] + shift, sides[1] + shift), boxes, places)
        corners.append((frame, corner))
    for (source, target), route in zip(edges, layout.routes, strict=True):
        ends = places[source][1] + boxes[source].height, places[target][1]
        _draw_edge(drawing, route, ends, tops, shift)
    for frame, (left, top) in corners:
        colour = "second" if frame.is_repeated else "muted"
        bold = frame.is_repeated
        drawing.text(left + 9, top + 15, frame.label, colour=colour, size=11, bold=bold, halo=True)
    for node, box, (centre, top) in zip(shown.nodes, boxes, places, strict=True):
        edge = COLOURS.get(node.role, "rule")
        fill = "paper" if node.role in ("input", "join") else "card"
        hint = f"{node.kind} {node.path}".strip()
        box.draw(drawing, centre, top, fill=fill, edge=edge, hint=hint)
    return drawing


def _box(node: Node) -> LabelledBox:
    if node.role == "join":
        lines = [(SIGNS.get(node.kind, node.kind), "second", 14.0, True)]
    else:
        detail = f" {node.detail}" if node.detail else ""
        lines = [(f"{formats.plain(node.kind)}{detail}", "ink", 13.0, True)]
    if node.followers:
        lines.append((" · ".join(node.followers), "ink", 11.0, False))
    numbers = [] if node.shape is None else [times(node.shape)]
    if node.parameters:
        numbers.append(f"{formats.count(node.parameters)} parameters")
    lines.append((", ".join(numbers), "muted", 11.0, False))
    if node.path and node.role != "join":
        lines.append((formats.plain(node.path), "muted", 10.0, False))
    return LabelledBox([line for line in lines if line[0]], PADDING)


def _frames(shown: Flow) -> list[_Frame]:
    """Return a frame for every repeated part, and for every module in which branches meet."""
    repeats = {each.path: each for each in shown.repeats}
    paths = {node.path for node in shown.nodes if node.role == "join" and node.path}
    frames = []
    for path in sorted(paths | set(repeats)):
        inside = [at for at, node in enumerate(shown.nodes) if is_within(node.path, path)]
        repeat = repeats.get(path)
        label = formats.plain(path)
        if repeat is not None:
            label = f"{repeat.times} × from {label} to {formats.plain(repeat.last)}"
        nested = [other for other in paths | set(repeats) if other != path]
        depth = max(
            (other.count(".") - path.count(".") for other in nested if is_within(other, path)),
            default=0,
        )
        frames.append(_Frame(path, label, repeat is not None, inside, depth))
    return frames


def _tops(
    boxes: list[LabelledBox], layout: Layout, frames: list[_Frame]
) -> tuple[list[tuple[float, float]], float]:
    """Return the top and height of each layer, and the height of the picture."""
    count = max(layout.layers, default=0) + 1
    heights = [0.0] * count
    for box, layer in zip(boxes, layout.layers, strict=True):
        heights[layer] = max(heights[layer], box.height)
    before, after = [0.0] * count, [0.0] * count
    for frame in frames:
        layers = [layout.layers[at] for at in frame.inside]
        before[min(layers)] += AROUND + ABOVE
        after[max(layers)] += AROUND
    tops, top = [], HEAD
    for height, above, below in zip(heights, before, after, strict=True):
        top += above
        tops.append((top, height))
        top += height + below + BETWEEN
    return tops, top - BETWEEN + 24


def _sides(
    frame: _Frame, boxes: list[LabelledBox], layout: Layout, edges: list[tuple[int, int]]
) -> tuple[float, float]:
    """Return how far a frame's boxes reach to the left and right, with the lines beside them."""
    reached = [
        layout.centres[at] + side * boxes[at].width / 2 for at in frame.inside for side in (-1, 1)
    ]
    layers = {layout.layers[at] for at in frame.inside}
    for (_, target), route in zip(edges, layout.routes, strict=True):
        if target in frame.inside:
            reached += [x for x, layer in route[1:-1] if layer in layers]
    return min(reached), max(reached)


def _draw_frame(
    drawing: Drawing,
    frame: _Frame,
    sides: tuple[float, float],
    boxes: list[LabelledBox],
    places: list[tuple[float, float]],
) -> tuple[float, float]:
    """Draw a frame and return its upper left corner."""
    around = AROUND * (1 + frame.depth)
    left, right = sides[0] - around, sides[1] + around
    top = min(places[at][1] for at in frame.inside) - around - ABOVE * (1 + frame.depth)
    foot = max(places[at][1] + boxes[at].height for at in frame.inside) + around
    right = max(right, left + len(frame.label) * 6.2 + 16)
    edge = "second" if frame.is_repeated else "rule"
    drawing.box(left, top, right - left, foot - top, fill="paper", edge=edge, hint=frame.label)
    return left, top


def _draw_edge(
    drawing: Drawing,
    route: list[tuple[float, int]],
    ends: tuple[float, float],
    tops: list[tuple[float, float]],
    shift: float,
) -> None:
    points = []
    for at, (x, layer) in enumerate(route):
        top, height = tops[layer]
        if at == 0:
            points.append((x + shift, ends[0]))
        elif at == len(route) - 1:
            points.append((x + shift, ends[1]))
        else:
            # Past a layer straight, so that no line runs through a box.
            points += [(x + shift, top), (x + shift, top + height)]
    drawing.path(points, colour="muted", width=1.3, curved=True)
