"""From the record to what is wrong: one file per fault or family of faults, no torch."""

from thalweg.doctor.checks import _batch_mixing as _batch_mixing
from thalweg.doctor.checks import _broadcast_loss as _broadcast_loss
from thalweg.doctor.checks import _double_softmax as _double_softmax
from thalweg.doctor.checks import _missing_zero_grad as _missing_zero_grad
from thalweg.doctor.checks import _negated_loss as _negated_loss
from thalweg.doctor.checks._check import CHECKS, EXPLAINS

__all__ = ["CHECKS", "EXPLAINS"]
