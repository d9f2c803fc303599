"""Curves in panels side by side, on a common logarithmic height, as SVG."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from thalweg._core import formats
from thalweg._core.axis import Axis
from thalweg._core.svg import CHARACTER, SERIES, Drawing

PANEL_WIDTH, PANEL_HEIGHT = 380.0, 250.0
LEFT, RIGHT, TOP, BOTTOM = 64.0, 24.0, 84.0, 62.0
LINE = 18.0

Curve = Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Panel:
    """One pair of axes: what its width is, and the curves by name."""

    x_label: str
    curves: Mapping[str, Curve]


def line_chart(
    title: str,
    y_label: str,
    panels: Sequence[Panel],
    *,
    log_x: bool = False,
    columns: int = 2,
) -> Drawing:
    """Return curves as a picture; points without a logarithm are left out.

    Args:
        title: Above all panels.
        y_label: What the height is.
        panels: From left to right and from top to bottom; a name has one colour in all of them.
        log_x: Whether widths are logarithmic too.
        columns: Panels beside each other.
    """
    names = list(dict.fromkeys(name for panel in panels for name in panel.curves))
    columns, rows = min(columns, len(panels)), -(-len(panels) // columns)
    width = columns * (LEFT + PANEL_WIDTH + RIGHT)
    entries = _legend(names, width)
    head = TOP + LINE * max((row for _, _, row in entries), default=0)
    drawing = Drawing(width, head + rows * (PANEL_HEIGHT + BOTTOM), title)
    drawing.text(16, 26, title, size=15, bold=True)
    for name, x, row in entries:
        drawing.dot(x, 46 + LINE * row, colour=_colour(names, name), radius=4)
        drawing.text(x + 9, 50 + LINE * row, name, colour="muted")
    drawing.text(16, head - 12, y_label, colour="muted", size=11)
    kept = [{name: _drawable(curve, log_x) for name, curve in p.curves.items()} for p in panels]
    heights = [y for curves in kept for curve in curves.values() for _, y in curve]
    for place, (panel, curves) in enumerate(zip(panels, kept, strict=True)):
        row, column = divmod(place, columns)
        left = LEFT + column * (LEFT + PANEL_WIDTH + RIGHT)
        top = head + row * (PANEL_HEIGHT + BOTTOM)
        widths = [x for curve in curves.values() for x, _ in curve]
        x_axis = Axis(widths, left, left + PANEL_WIDTH, log=log_x)
        y_axis = Axis(heights, top + PANEL_HEIGHT, top, log=True)
        _draw_axes(drawing, x_axis, y_axis, panel.x_label)
        for name, curve in curves.items():
            _draw_curve(drawing, x_axis, y_axis, curve, name, _colour(names, name))
    return drawing


def _drawable(curve: Curve, log_x: bool) -> list[tuple[float, float]]:
    return [(x, y) for x, y in curve if y > 0 and math.isfinite(y) and (x > 0 or not log_x)]


def _colour(names: list[str], name: str) -> str:
    return SERIES[names.index(name) % len(SERIES)]


def _legend(names: list[str], width: float) -> list[tuple[str, float, int]]:
    """Return where each name stands: its left edge, and its line."""
    placed, x, row = [], 20.0, 0
    for name in names:
        room = 26 + CHARACTER * len(name)
        if x + room > width and x > 20:
            x, row = 20.0, row + 1
        placed.append((name, x, row))
        x += room
    return placed


def _draw_axes(drawing: Drawing, x_axis: Axis, y_axis: Axis, x_label: str) -> None:
    left, right, foot = x_axis.start, x_axis.stop, y_axis.start
    for mark in y_axis.marks():
        drawing.path([(left, y_axis(mark)), (right, y_axis(mark))])
        shown = formats.figure(mark)
        drawing.text(left - 8, y_axis(mark) + 4, shown, colour="muted", size=11, anchor="end")
    for mark in x_axis.marks():
        shown = formats.figure(mark)
        drawing.text(x_axis(mark), foot + 18, shown, colour="muted", size=11, anchor="middle")
    middle = (left + right) / 2
    drawing.text(middle, foot + 38, x_label, colour="muted", size=12, anchor="middle")


def _draw_curve(
    drawing: Drawing, x_axis: Axis, y_axis: Axis, curve: Curve, name: str, colour: str
) -> None:
    points = [(x_axis(x), y_axis(y)) for x, y in curve]
    if len(points) > 1:
        drawing.path(points, colour=colour, width=2)
    for (x, y), (left, up) in zip(curve, points, strict=True):
        hint = f"{name}: {formats.figure(y)} at {formats.figure(x)}"
        drawing.dot(left, up, colour=colour, radius=2.5, hint=hint)
