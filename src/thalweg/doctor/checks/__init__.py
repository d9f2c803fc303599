"""From the record to what is wrong: one file per fault or family of faults, no torch.

The rooms are the stages in which one thing leads to another, from data to generalization.
"""

from thalweg.doctor.checks import data as data
from thalweg.doctor.checks import dynamics as dynamics
from thalweg.doctor.checks import generalization as generalization
from thalweg.doctor.checks import initialization as initialization
from thalweg.doctor.checks import step_size as step_size
from thalweg.doctor.checks import wiring as wiring
from thalweg.doctor.checks._check import CHECKS, EXPLAINS

__all__ = ["CHECKS", "EXPLAINS"]
