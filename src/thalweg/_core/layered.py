"""Places the boxes of a directed graph in layers, after Sugiyama, Tagawa and Toda (1981).

Each edge leads downwards; one that spans several layers is bent at a point in each of them.
Within a layer, boxes take the order of the means of their neighbours, which untangles most
crossings, and then lie as near to those means as their widths allow.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

SWEEPS = 12
# A bend in a long edge takes less room than a box.
BEND = 14.0
# A box that nothing leads to makes way for the others, so that the main line stays straight.
LIGHT = 0.02


@dataclass(frozen=True)
class Layout:
    """Where boxes lie, and along which points edges run."""

    centres: list[float]
    """Of each box, from the left edge of the picture."""
    layers: list[int]
    """Of each box, from the top."""
    routes: list[list[tuple[float, int]]]
    """Of each edge: centre and layer, from its source to its target."""
    width: float


def layered(widths: Sequence[float], edges: Sequence[tuple[int, int]], gap: float = 24.0) -> Layout:
    """Return a layout of a graph without circles, whose boxes are numbered along its edges.

    Args:
        widths: Of the boxes.
        edges: From a lower number to a higher one.
        gap: Between neighbours.

    Example:
        >>> layout = layered([10.0, 10.0, 10.0], [(0, 1), (0, 2), (1, 2)])
        >>> layout.layers, [len(route) for route in layout.routes]
        ([0, 1, 2], [2, 3, 2])
    """
    layers = _layers(len(widths), edges)
    sizes, levels = list(widths), list(layers)
    chains: list[list[int]] = []
    for source, target in edges:
        chain = [source]
        for level in range(layers[source] + 1, layers[target]):
            chain.append(len(sizes))
            sizes.append(BEND)
            levels.append(level)
        chains.append([*chain, target])
    above: list[list[int]] = [[] for _ in sizes]
    below: list[list[int]] = [[] for _ in sizes]
    for chain in chains:
        for upper, lower in pairwise(chain):
            below[upper].append(lower)
            above[lower].append(upper)
    rows: list[list[int]] = [[] for _ in range(max(levels, default=-1) + 1)]
    for box, level in enumerate(levels):
        rows[level].append(box)
    weights = [1.0 if sources else LIGHT for sources in above]
    centres = _placed(rows, _Boxes(sizes, weights, above, below), gap)
    left = min((centres[box] - sizes[box] / 2 for box in range(len(sizes))), default=0.0)
    centres = [centre - left for centre in centres]
    routes = [[(centres[box], levels[box]) for box in chain] for chain in chains]
    width = max((centres[box] + sizes[box] / 2 for box in range(len(sizes))), default=0.0)
    return Layout(centres[: len(widths)], layers, routes, width)


def _layers(count: int, edges: Sequence[tuple[int, int]]) -> list[int]:
    """Return the layer of each box: below all its sources, just above its nearest target."""
    layers = [0] * count
    for source, target in sorted(edges, key=lambda edge: edge[1]):
        layers[target] = max(layers[target], layers[source] + 1)
    sources = {target for _, target in edges}
    for box in range(count):
        if box not in sources:
            layers[box] = min((layers[t] - 1 for s, t in edges if s == box), default=0)
    return layers


@dataclass(frozen=True)
class _Boxes:
    """Boxes and bends: how wide, how steady, and what is joined to them."""

    sizes: list[float]
    weights: list[float]
    above: list[list[int]]
    below: list[list[int]]


def _placed(rows: list[list[int]], boxes: _Boxes, gap: float) -> list[float]:
    """Return the centre of each box; reorders the rows."""
    centres = [0.0] * len(boxes.sizes)
    for row in rows:
        _pack(row, [0.0] * len(row), boxes, centres, gap)
    for sweep in range(SWEEPS):
        downwards = sweep % 2 == 0
        is_last = sweep >= SWEEPS - 2
        for row in rows if downwards else reversed(rows):
            wanted = {box: _wanted(box, boxes, centres, downwards, is_last) for box in row}
            if not is_last:
                row.sort(key=lambda box: wanted[box])
            _pack(row, [wanted[box] for box in row], boxes, centres, gap)
    return centres


def _wanted(box: int, boxes: _Boxes, centres: list[float], downwards: bool, is_last: bool) -> float:
    """Return the mean of a box's neighbours: on one side while ordering, in the end on both."""
    above, below = boxes.above[box], boxes.below[box]
    near = above + below if is_last else above if downwards else below
    total = sum(boxes.weights[each] for each in near)
    if not near:
        return centres[box]
    return sum(centres[each] * boxes.weights[each] for each in near) / total


def _pack(
    row: list[int], wanted: list[float], boxes: _Boxes, centres: list[float], gap: float
) -> None:
    """Move boxes as near as can be to where they are wanted, in their order, side by side.

    Less the room that the boxes before them take, centres must not decrease: the nearest such
    row in squares is found by pooling neighbours that would overlap.
    """
    offsets, room = [], 0.0
    for place, box in enumerate(row):
        room += 0.0 if place == 0 else (boxes.sizes[row[place - 1]] + boxes.sizes[box]) / 2 + gap
        offsets.append(room)
    pools: list[tuple[float, float, int]] = []
    for box, goal, offset in zip(row, wanted, offsets, strict=True):
        mean, weight, count = goal - offset, boxes.weights[box], 1
        while pools and pools[-1][0] > mean:
            other, heavy, many = pools.pop()
            mean = (mean * weight + other * heavy) / (weight + heavy)
            weight, count = weight + heavy, count + many
        pools.append((mean, weight, count))
    flat = [mean for mean, _, count in pools for _ in range(count)]
    for box, mean, offset in zip(row, flat, offsets, strict=True):
        centres[box] = mean + offset
