"""The sections of the page, in the order in which they are read."""

from collections.abc import Callable

from thalweg.report._evidence import Evidence
from thalweg.report._section import Section
from thalweg.report.sections._anatomy import anatomy
from thalweg.report.sections._calibration import calibration
from thalweg.report.sections._classes import classes
from thalweg.report.sections._confusion import confusion
from thalweg.report.sections._curves import curves
from thalweg.report.sections._data_card import data_card
from thalweg.report.sections._diagnosis import diagnosis
from thalweg.report.sections._mistakes import mistakes
from thalweg.report.sections._numbers import numbers
from thalweg.report.sections._repetition import repetition
from thalweg.report.sections._settings import settings
from thalweg.report.sections._timing import timing
from thalweg.train import Run

ANSWERS: tuple[Callable[[Run, Evidence], Section | None], ...] = (
    confusion,
    calibration,
    numbers,
    mistakes,
    classes,
)
"""What the network's answers show; None where a section does not apply."""

BACKGROUND: tuple[Callable[[Run], Section], ...] = (
    settings,
    data_card,
    anatomy,
    timing,
    repetition,
)
"""What the run was made from."""


def compose(run: Run, evidence: Evidence | str) -> list[Section]:
    """Return the sections of a run's page.

    Args:
        run: Any run.
        evidence: The network's answers, or why there are none, as a sentence.
    """
    if isinstance(evidence, str):
        found = [Section("answers", "Answers", f"{evidence} No answer is therefore shown.")]
    else:
        found = [made for section in ANSWERS if (made := section(run, evidence)) is not None]
    # Where something is wrong, that is what the reader came for.
    is_unwell = run.watched is not None and not run.diagnosis.healthy
    first = [diagnosis(run), curves(run)] if is_unwell else [curves(run), diagnosis(run)]
    return [*first, *found, *(section(run) for section in BACKGROUND)]


__all__ = ["compose"]
