"""Whether the network is as sure as it is right."""

from dataclasses import dataclass

import numpy as np
from bokeh.models import ColumnDataSource, Range1d, UIElement
from jaxtyping import Bool, Float, Int

from thalweg._core import formats
from thalweg.report._charts import chart, painted
from thalweg.report._evidence import WORDS, Evidence
from thalweg.report._section import Section
from thalweg.train import Run

# As torchmetrics has it, so that the error is the one among the scores.
BINS = 15


@dataclass(frozen=True)
class Reliability:
    """Answers gathered by how sure the network was; bins without any are left out."""

    confidence: Float[np.ndarray, " bins"]
    """Mean probability given."""
    frequency: Float[np.ndarray, " bins"]
    """Share that came true."""
    counts: Int[np.ndarray, " bins"]

    @property
    def error(self) -> float:
        """Expected calibration error, Σ (nᵢ/n) · |frequencyᵢ − confidenceᵢ| (Guo et al., 2017)."""
        gaps = np.abs(self.frequency - self.confidence)
        return float((gaps * self.counts).sum() / self.counts.sum())


def calibration(run: Run, evidence: Evidence) -> Section | None:
    """Draw how often the network is right against how sure it is."""
    if run.schema.target.kind == "number":
        return None
    title = "Calibration"
    if evidence.prediction.probabilities is None:
        return Section("calibration", title, "The network gives no probabilities, only decisions.")
    meaning, probabilities, outcomes = _claims(run, evidence)
    found = reliability(probabilities, outcomes)
    confidence, frequency = (
        float((values * found.counts).sum() / found.counts.sum())
        for values in (found.confidence, found.frequency)
    )
    sentence = (
        f"{meaning}: {formats.percent(confidence)} is claimed on average and "
        f"{formats.percent(frequency)} came true on the {WORDS[evidence.part]} part. "
        f"The expected calibration error over {BINS} bins is {formats.figure(found.error)}."
    )
    return Section(
        "calibration",
        title,
        sentence,
        body={"few": len(evidence) < 10 * BINS},
        charts={"calibration-chart": _diagram(found)},
    )


def reliability(
    probabilities: Float[np.ndarray, " claims"], outcomes: Bool[np.ndarray, " claims"]
) -> Reliability:
    """Gather claims into `BINS` bins of equal width."""
    bins = np.minimum((probabilities * BINS).astype(int), BINS - 1)
    counts = np.bincount(bins, minlength=BINS)
    filled = counts > 0
    sums = (np.bincount(bins, weights, BINS)[filled] for weights in (probabilities, outcomes))
    confidence, frequency = (each / counts[filled] for each in sums)
    return Reliability(confidence, frequency, counts[filled])


def _claims(
    run: Run, evidence: Evidence
) -> tuple[str, Float[np.ndarray, " claims"], Bool[np.ndarray, " claims"]]:
    """Return what each probability claims, the probabilities, and whether the claim came true."""
    probabilities = evidence.prediction.probabilities
    assert probabilities is not None
    if run.schema.target.kind == "multilabel":
        return "Probability of each label", probabilities.ravel(), evidence.targets.ravel() > 0
    if probabilities.shape[1] == 2:
        name = formats.plain(run.schema.target.classes[1], longest=40)
        return f"Probability of {name}", probabilities[:, 1], evidence.targets == 1
    return "Probability of the class named", probabilities.max(axis=1), ~evidence.is_wrong


def _diagram(found: Reliability) -> UIElement:
    plot = chart(
        "share that came true",
        height=320,
        x_label="probability given",
        tooltips=[
            ("given", "@confidence{0.000}"),
            ("came true", "@frequency{0.000}"),
            ("examples", "@count{0,0}"),
        ],
        # Half of the largest dot fits beside 0 and 1.
        x_range=Range1d(start=-0.05, end=1.05),
        y_range=Range1d(start=-0.06, end=1.06),
    )
    painted(plot.line([0, 1], [0, 1], line_dash="dashed").glyph, line_color="muted")
    source = ColumnDataSource(
        {
            "confidence": found.confidence,
            "frequency": found.frequency,
            "count": found.counts.astype(np.int32),
            # The area of a dot grows with its examples; the smallest can still be hit.
            "size": 6 + 18 * np.sqrt(found.counts / found.counts.max()),
        }
    )
    painted(
        plot.line("confidence", "frequency", source=source, line_width=2).glyph, line_color="valid"
    )
    dots = plot.scatter(
        "confidence", "frequency", size="size", source=source, fill_alpha=0.6, line_color=None
    )
    painted(dots.glyph, fill_color="valid")
    return plot
