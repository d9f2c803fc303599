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
from thalweg.report.sections._mistakes import mistakes
from thalweg.report.sections._numbers import numbers
from thalweg.report.sections._repetition import repetition
from thalweg.report.sections._settings import settings
from thalweg.report.sections._timing import timing
from thalweg.train import Run

SECTIONS: tuple[Callable[[Run, Evidence | str], Section | None], ...] = (
    curves,
    confusion,
    calibration,
    numbers,
    mistakes,
    classes,
    settings,
    data_card,
    anatomy,
    timing,
    repetition,
)
"""Each takes the run and the evidence, or why there is none; None where it does not apply."""

__all__ = ["SECTIONS"]
