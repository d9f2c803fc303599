"""Bokeh's figures in the page's own dress, and how they get into it.

A chart's colours are those of the page, which has two themes. A model therefore carries tags
such as "line_color:--valid": a property, and the style sheet's variable that it takes its
colour from. `page.js` reads them when the page opens and whenever its theme changes.
"""

import json
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, TypeVar

import numpy as np
from bokeh.core.types import ID
from bokeh.embed import json_item
from bokeh.models import Axis, HoverTool, Model, ResetTool, Title, UIElement
from bokeh.models.tools import BoxZoomTool, PanTool, SaveTool
from bokeh.plotting import figure
from bokeh.resources import Resources
from jaxtyping import Float, Int

FONT = "system-ui, sans-serif"
M = TypeVar("M", bound=Model)


def painted(model: M, **variables: str) -> M:
    """Return the model, its properties tied to variables of the style sheet."""
    model.tags = [*model.tags, *(f"{name}:--{value}" for name, value in variables.items())]
    return model


def chart(
    title: str,
    *,
    height: int,
    x_label: str = "",
    tooltips: Sequence[tuple[str, str]] = (),
    zoom: str = "both",
    **options: Any,
) -> figure:
    """Return an empty figure as wide as the page allows.

    Args:
        title: What its vertical axis measures, written above it.
        height: In pixels.
        x_label: Beneath.
        tooltips: Label and Bokeh's template of each line shown under the pointer.
        zoom: The axes along which a box zooms: "width" or "both".
        **options: Of `bokeh.plotting.figure`.
    """
    box = BoxZoomTool(dimensions=zoom)  # pyright: ignore[reportArgumentType]
    heading = Title(text=title, text_font=FONT, text_font_size="12px", text_font_style="normal")
    plot = figure(
        title=painted(heading, text_color="muted"),
        height=height,
        sizing_mode="stretch_width",
        tools=[box, PanTool(), ResetTool(), SaveTool()],
        active_drag=box,
        toolbar_location="above",
        background_fill_color=None,
        border_fill_color=None,
        outline_line_color=None,
        min_border_left=64,
        min_border_right=12,
        **options,
    )
    plot.toolbar.logo = None
    plot.toolbar.autohide = True
    if tooltips:
        plot.add_tools(HoverTool(tooltips=list(tooltips), visible=False))
    plot.xaxis[0].axis_label = x_label or None
    for axis in plot.axis:
        _dress(axis)
    for grid in plot.grid:
        painted(grid, grid_line_color="rule")
    plot.xgrid.visible = False
    return plot


def _dress(axis: Axis) -> None:
    axis.axis_label_text_font = axis.major_label_text_font = FONT
    axis.axis_label_text_font_size = axis.major_label_text_font_size = "12px"
    axis.axis_label_text_font_style = "normal"
    axis.minor_tick_line_color = axis.major_tick_line_color = None
    painted(
        axis,
        axis_label_text_color="muted",
        major_label_text_color="muted",
        axis_line_color="rule",
    )


def thinned(values: Float[np.ndarray, " points"], most: int = 1000) -> Int[np.ndarray, " kept"]:
    """Return positions that draw the same curve with fewer points.

    The smallest and the largest value of each stretch stay, so that no spike is lost.

    Example:
        >>> thinned(np.array([0.0, 1.0, 9.0, 1.0, 0.0, 1.0]), most=4).tolist()
        [0, 2, 3, 4]
    """
    if len(values) <= most:
        return np.arange(len(values))
    edges = np.linspace(0, len(values), most // 2 + 1).astype(int)
    kept = set()
    for start, stop in pairwise(edges.tolist()):
        stretch = values[start:stop]
        # What is not finite cannot win; where nothing is finite, the first point stays, a gap.
        kept.add(start + int(np.where(np.isfinite(stretch), stretch, np.inf).argmin()))
        kept.add(start + int(np.where(np.isfinite(stretch), stretch, -np.inf).argmax()))
    return np.array(sorted(kept), dtype=np.int64)


def finite(values: Sequence[Any]) -> Float[np.ndarray, " points"]:
    """Return numbers as Bokeh draws them: what is missing or infinite becomes a gap."""
    numbers = np.array([np.nan if value is None else value for value in values], dtype=np.float64)
    numbers[~np.isfinite(numbers)] = np.nan
    return numbers


def to_json(charts: Mapping[str, UIElement]) -> str:
    """Return the charts as JSON that no reader of HTML takes for anything else."""
    items = [json_item(model, target=ID(name)) for name, model in charts.items()]
    return inert(json.dumps(items))


def inert(text: str) -> str:
    r"""Return JSON without a character that could end or open a tag.

    Example:
        >>> inert('"</script>"')
        '"\\u003c/script\\u003e"'
    """
    for char in "<>&\u2028\u2029":
        text = text.replace(char, f"\\u{ord(char):04x}")
    return text


def library() -> str:
    """Return Bokeh's core JavaScript, which draws every chart."""
    return Resources(mode="inline", components=["bokeh"]).js_raw[0]
