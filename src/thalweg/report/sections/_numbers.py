"""Predicted numbers against the true ones, and what is left over."""

from typing import Any

import numpy as np
from bokeh.models import ColumnDataSource, UIElement
from bokeh.plotting import figure
from jaxtyping import Float

from thalweg._core import formats, seeds
from thalweg.report._charts import chart, painted
from thalweg.report._evidence import WORDS, Evidence
from thalweg.report._section import Section
from thalweg.report._wording import several
from thalweg.train import Run

# Numbers drawn: two charts each, beyond which nobody scrolls.
MOST_DRAWN = 4
# Dots per chart: more only overlap, and each takes some seventy bytes of the page.
MOST_DOTS = 1000


def numbers(run: Run, evidence: Evidence) -> Section | None:
    """Draw predicted against true values, and residuals against predicted values."""
    target = run.schema.target
    if target.kind != "number":
        return None
    title = "Predicted and true"
    rows = np.arange(len(evidence))
    if len(rows) > MOST_DOTS:
        generator = seeds.numpy_generator(0, "report")
        rows = np.sort(generator.choice(rows, MOST_DOTS, replace=False))
    charts: dict[str, UIElement] = {}
    drawn = []
    for index, name in enumerate(target.names[:MOST_DRAWN]):
        columns = {
            "name": [formats.plain(evidence.examples.names[row], longest=40) for row in rows],
            "true": evidence.targets[rows, index].astype(np.float64),
            "predicted": evidence.decided[rows, index],
        }
        drawn.append({"name": formats.plain(name), "index": index})
        charts[f"numbers-{index}-true"] = _against_truth(columns)
        charts[f"numbers-{index}-residual"] = _residuals(columns)
    return Section(
        "numbers",
        title,
        _sentence(evidence),
        body={
            "drawn": drawn,
            "left_out": len(target.names) - len(drawn),
            "dots": len(rows),
            "examples": len(evidence),
        },
        charts=charts,
    )


def _sentence(evidence: Evidence) -> str:
    true, predicted = evidence.targets[:, 0], evidence.decided[:, 0]
    errors = predicted - true
    sentence = (
        f"Half of the {several(len(evidence), f'{WORDS[evidence.part]} example')} are predicted "
        f"to within {formats.figure(float(np.median(np.abs(errors))))}; the largest error is "
        f"{formats.figure(float(np.abs(errors).max()))}"
    )
    explained = _explained(true, predicted)
    if explained is None:
        return f"{sentence}."
    return (
        f"{sentence}. R² is {formats.figure(explained)}: 1 is perfect, 0 no better than the mean."
    )


def _explained(
    true: Float[np.ndarray, " examples"], predicted: Float[np.ndarray, " examples"]
) -> float | None:
    """Return R², the share of the variance explained; None where nothing varies."""
    spread = float(((true - true.mean()) ** 2).sum())
    return None if spread == 0 else 1 - float(((predicted - true) ** 2).sum()) / spread


TOOLTIPS = (
    ("example", "@name"),
    ("true", "@true{0.[0000]}"),
    ("predicted", "@predicted{0.[0000]}"),
)


def _against_truth(columns: dict[str, Any]) -> UIElement:
    plot = chart("predicted", height=320, x_label="true", tooltips=TOOLTIPS)
    both = np.concatenate([columns["true"], columns["predicted"]])
    _dots(plot, columns, "true", "predicted", "valid", reference=[both.min(), both.max()])
    return plot


def _residuals(columns: dict[str, Any]) -> UIElement:
    plot = chart("predicted − true", height=320, x_label="predicted", tooltips=TOOLTIPS)
    columns = {**columns, "residual": columns["predicted"] - columns["true"]}
    _dots(plot, columns, "predicted", "residual", "train", reference=[0.0, 0.0])
    return plot


def _dots(
    plot: figure,
    columns: dict[str, Any],
    across: str,
    up: str,
    colour: str,
    *,
    reference: list[float],
) -> None:
    """Draw one dot per example, over a dashed line with these heights at its ends."""
    ends = [columns[across].min(), columns[across].max()]
    if reference[0] != reference[1]:
        ends = reference
    painted(plot.line(ends, reference, line_dash="dashed").glyph, line_color="muted")
    source = ColumnDataSource(columns)
    dots = plot.scatter(across, up, source=source, size=6, alpha=0.6, line_color=None)
    painted(dots.glyph, fill_color=colour)
    # The line has no names to show.
    plot.hover.renderers = [dots]
