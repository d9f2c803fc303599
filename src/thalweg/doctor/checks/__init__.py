"""From the record to what is wrong: one file per fault or family of faults, no torch."""

from thalweg.doctor.checks import _missing_zero_grad as _missing_zero_grad
from thalweg.doctor.checks._check import CHECKS, EXPLAINS

__all__ = ["CHECKS", "EXPLAINS"]
