"""From the record to what is wrong: one file per fault or family of faults, no torch.

The rooms are the stages in which one thing leads to another, from data to generalization.
"""

from thalweg.doctor.checks import data, dynamics, generalization, initialization, step_size, wiring
from thalweg.doctor.checks._check import CHECKS, EXPLAINS, Note, Unchecked

__all__ = [
    "CHECKS",
    "EXPLAINS",
    "Note",
    "Unchecked",
    "data",
    "dynamics",
    "generalization",
    "initialization",
    "step_size",
    "wiring",
]
