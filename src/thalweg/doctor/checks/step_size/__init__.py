"""Faults of the step size."""

from thalweg.doctor.checks.step_size import _lr_decayed_early as _lr_decayed_early
from thalweg.doctor.checks.step_size import _lr_too_high as _lr_too_high
from thalweg.doctor.checks.step_size import _lr_too_low as _lr_too_low
