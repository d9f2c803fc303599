"""The curves: loss, metric and learning rate over the epochs."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from bokeh.layouts import column
from bokeh.models import (
    BasicTicker,
    ColumnDataSource,
    DataRange1d,
    HoverTool,
    PrintfTickFormatter,
    Range1d,
    Span,
    UIElement,
)
from bokeh.plotting import figure

from thalweg._core import formats
from thalweg.report._charts import chart, finite, painted, thinned
from thalweg.report._section import Section
from thalweg.report._wording import metric_name, several
from thalweg.train import Run

# Largest over median loss above which a straight axis shows one spike and a flat line.
SPIKY = 20.0
# Epochs up to which each has a dot: one alone makes no line, and many make a caterpillar.
MOST_DOTS = 60
# Height of the axis of a score that is the same in every epoch; Bokeh's would be two, which shows
# a share of 0.1 between −0.9 and 1.1.
FLAT_SPAN = 0.1


def curves(run: Run) -> Section:
    """Draw what was measured while the network trained."""
    history = run.history
    if not history.steps and not history.epochs:
        return Section("curves", "Training", "No step was taken, so there is nothing to draw.")
    losses = [row.get("loss") for row in history.steps]
    for name in ("train_loss", "valid_loss"):
        losses += history.column(name)
    known = finite(losses)
    known = known[~np.isnan(known)]
    if not len(known):
        return Section("curves", "Training", _sentence(run) + " No loss was a finite number.")
    has_logarithm = bool((known > 0).all())
    # The lower of two middle ones, so that a spike among few does not count as usual.
    usual = np.quantile(known, 0.5, method="lower")
    is_logarithmic = has_logarithm and bool(known.max() > SPIKY * usual)
    return Section(
        "curves",
        "Training",
        _sentence(run),
        body={
            "has_valid": bool(history.column("valid_loss")),
            "has_epochs": bool(history.epochs),
            "best_epoch": run.status.best_epoch or None,
            "has_logarithm": has_logarithm,
            "is_logarithmic": is_logarithmic,
            "is_broken": bool(np.isnan(finite([row.get("loss") for row in history.steps])).any()),
        },
        charts={"curves-chart": _panels(run, has_logarithm, is_logarithmic)},
    )


def _sentence(run: Run) -> str:
    rows, best = run.history.epochs, run.status.best_epoch
    if not rows:
        steps = several(run.status.steps, "step")
        return f"The first epoch was not completed: training ended after {steps}."
    name = "valid_loss" if "valid_loss" in rows[-1] else "train_loss"
    words = "validation" if name == "valid_loss" else "training"
    first, last = rows[0].get(name), rows[-1].get(name)
    if not best:
        return (
            f"The {words} loss was {formats.figure(finite([first])[0])} after the first epoch and "
            f"{formats.figure(finite([last])[0])} after the last."
        )
    lowest = next((row for row in rows if row["epoch"] == best), rows[-1])
    lowest_loss = formats.figure(finite([lowest.get(name)])[0])
    sentence = (
        f"The {words} loss was {formats.figure(finite([first])[0])} after the first epoch and "
        f"lowest, {lowest_loss}, in epoch {best} of {len(rows)}"
    )
    if name == "valid_loss" and "train_loss" in lowest:
        sentence += f"; the training loss there was {formats.figure(lowest['train_loss'])}"
    return f"{sentence}."


def _panels(run: Run, has_logarithm: bool, is_logarithmic: bool) -> UIElement:
    """Return the panels one above the other, their horizontal axes moving together."""
    columns = _epochs(run)
    source = ColumnDataSource(columns)
    steps, unit = _step_positions(run)
    last = max([*steps.tolist(), *columns["epoch"], 1e-9])
    shared = Range1d(start=-0.01 * last, end=1.01 * last, bounds="auto")
    options: dict[str, Any] = {"x_range": shared, "zoom": "width"}
    panels: list[UIElement] = [_loss(run, source, steps, "linear", options)]
    panels[0].visible = not is_logarithmic
    if has_logarithm:
        panels.append(_loss(run, source, steps, "log", options))
        panels[1].visible = is_logarithmic
    primary = f"valid_{run.task.primary}"
    if primary in columns:
        metric = chart(f"validation {metric_name(run.task.primary)}", height=170, **options)
        metric.y_range = DataRange1d(default_span=FLAT_SPAN)
        _line(metric, run, source, primary, "valid")
        _mark_best(metric, run)
        _inspect(metric, source, [primary])
        panels.append(metric)
    rate = chart("learning rate per step", height=130, x_label=unit, **options)
    rate.yaxis[0].formatter = PrintfTickFormatter(format="%.2g")
    rate.yaxis[0].ticker = BasicTicker(desired_num_ticks=2, num_minor_ticks=0)
    rate.y_range = DataRange1d(start=0)
    rates = finite([row.get("learning_rate") for row in run.history.steps])
    if len(rates):
        kept = thinned(rates)
        painted(rate.line(steps[kept], rates[kept], line_width=1.5).glyph, line_color="muted")
    else:
        _line(rate, run, source, "learning_rate", "muted")
    panels.append(rate)
    return column(panels, sizing_mode="stretch_width", spacing=8)


def _loss(
    run: Run,
    source: ColumnDataSource,
    steps: np.ndarray,
    scale: str,
    options: Mapping[str, Any],
) -> figure:
    plot = chart("loss", height=300, y_axis_type=scale, name=f"loss-{scale}", **options)
    losses = finite([row.get("loss") for row in run.history.steps])
    if len(losses):
        kept = thinned(losses)
        # Before the first epoch the steps are all there is to see.
        alpha = 0.35 if run.history.epochs else 1.0
        thin = plot.line(steps[kept], losses[kept], line_width=1, line_alpha=alpha)
        painted(thin.glyph, line_color="train")
    for name, colour in (("train_loss", "train"), ("valid_loss", "valid")):
        if name in source.column_names:
            _line(plot, run, source, name, colour)
    _mark_best(plot, run)
    _inspect(plot, source, ["train_loss", "valid_loss"])
    broken = steps[np.isnan(losses)]
    if len(broken):
        span = Span(location=float(broken[0]), dimension="height", line_dash="dotted", line_width=2)
        plot.add_layout(painted(span, line_color="bad"))
    return plot


def _line(plot: figure, run: Run, source: ColumnDataSource, name: str, colour: str) -> None:
    painted(plot.line("epoch", name, source=source, line_width=2).glyph, line_color=colour)
    if len(run.history.epochs) <= MOST_DOTS:
        dots = plot.scatter("epoch", name, source=source, size=5, line_color=None)
        painted(dots.glyph, fill_color=colour)


def _mark_best(plot: figure, run: Run) -> None:
    if run.status.best_epoch:
        span = Span(location=run.status.best_epoch, dimension="height", line_dash="dashed")
        plot.add_layout(painted(span, line_color="muted"))


def _inspect(plot: figure, source: ColumnDataSource, names: Sequence[str]) -> None:
    """Show the numbers of the epoch under the pointer."""
    shown = [name for name in names if name in source.column_names]
    if not shown:
        return
    invisible = plot.line("epoch", shown[-1], source=source, line_alpha=0)
    labels = [
        (metric_name(name).replace("valid ", "validation "), f"@{{{name} text}}") for name in shown
    ]
    tooltips = [("epoch", "@epoch"), *labels]
    plot.add_tools(HoverTool(renderers=[invisible], mode="vline", tooltips=tooltips, visible=False))


def _epochs(run: Run) -> dict[str, Any]:
    """Return the epochs' rows as columns, few enough to draw."""
    rows = run.history.epochs
    guide = "valid_loss" if any("valid_loss" in row for row in rows) else "train_loss"
    rows = [rows[index] for index in thinned(finite([row.get(guide) for row in rows]))]
    data: dict[str, Any] = {"epoch": [row["epoch"] for row in rows]}
    for name in dict.fromkeys(
        name for row in rows for name in row if name not in ("epoch", "step")
    ):
        values = [row.get(name) for row in rows]
        data[name] = finite(values)
        data[f"{name} text"] = [
            "none" if value is None else formats.figure(value) for value in values
        ]
    return data


def _step_positions(run: Run) -> tuple[np.ndarray, str]:
    """Return where each recorded step lies on the axis of epochs, or of steps before the first."""
    steps = np.array([row["step"] for row in run.history.steps], dtype=np.float64)
    if not run.history.epochs:
        return steps, "step"
    first = run.history.epochs[0]
    return steps * first["epoch"] / max(first["step"], 1), "epoch"
