"""The worst mistakes, as a person would look at them."""

from dataclasses import dataclass

import numpy as np

from thalweg._core import formats
from thalweg.report._evidence import WORDS, Evidence
from thalweg.report._pictures import Picture, shrink
from thalweg.report._section import Section
from thalweg.report._wording import answer_in_words, cell, several
from thalweg.train import Run

# Three rows of eight on a wide screen.
MOST_PICTURES = 24
MOST_ROWS = 12
# Columns of a table beside the answer; the rest is in the data.
MOST_COLUMNS = 12


@dataclass(frozen=True)
class Mistake:
    """One example that the network gets wrong, or nearly so."""

    name: str
    true: str
    predicted: str
    sure: str
    """Probability of the answer; empty where there is none."""
    loss: str
    picture: Picture | None
    values: dict[str, str]
    """Columns of a table, as a person reads them."""


def mistakes(run: Run, evidence: Evidence) -> Section:
    """Show the examples with the largest loss, the largest first."""
    title = "Worst mistakes"
    is_number = run.schema.target.kind == "number"
    candidates = np.arange(len(evidence))
    if not is_number and evidence.is_wrong.any():
        candidates = np.flatnonzero(evidence.is_wrong)
    order = candidates[np.argsort(-evidence.losses[candidates], kind="stable")]
    first = run.schema.encoder.picture(evidence.examples.inputs[int(order[0])])
    most = MOST_ROWS if first is None else MOST_PICTURES
    shown = [_mistake(run, evidence, int(row)) for row in order[:most]]
    columns = list(shown[0].values)
    part = WORDS[evidence.part]
    if is_number:
        sentence = f"The {len(shown)} {part} examples with the largest loss, the largest first."
    elif evidence.is_wrong.any():
        total = several(len(candidates), f"mistaken {part} example")
        sentence = f"{len(shown)} of {total}, the largest loss first."
        if len(candidates) == 1:
            sentence = f"The only mistaken {part} example."
        elif len(shown) == len(candidates):
            sentence = f"All {total}, the largest loss first."
    else:
        sentence = (
            f"No {part} example is mistaken. These {len(shown)} were the hardest, "
            "the largest loss first."
        )
    body = {
        "shown": shown,
        "columns": columns[:MOST_COLUMNS],
        "left_out": len(columns) - len(columns[:MOST_COLUMNS]),
        "has_sure": any(each.sure for each in shown),
    }
    return Section("mistakes", title, sentence, body)


def _mistake(run: Run, evidence: Evidence, row: int) -> Mistake:
    stored = evidence.examples.inputs[row]
    pixels = run.schema.encoder.picture(stored)
    values = {} if pixels is not None else run.schema.encoder.values(stored)
    true, predicted, sure = _in_words(run, evidence, row)
    return Mistake(
        name=formats.plain(evidence.examples.names[row]),
        true=true,
        predicted=predicted,
        sure=sure,
        loss=formats.figure(float(evidence.losses[row])),
        picture=None if pixels is None else shrink(pixels),
        values={formats.plain(name, longest=40): cell(value) for name, value in values.items()},
    )


def _in_words(run: Run, evidence: Evidence, row: int) -> tuple[str, str, str]:
    """Return the true answer, the network's, and how sure it was."""
    true, predicted = (
        answer_in_words(run.schema.target, each)
        for each in (evidence.targets[row], evidence.decided[row])
    )
    probabilities = evidence.prediction.probabilities
    if probabilities is None or run.schema.target.kind != "category":
        return true, predicted, ""
    return true, predicted, f"{100 * probabilities[row, evidence.decided[row]]:.1f} %"
