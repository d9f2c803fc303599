"""Faults of the beginning."""

from thalweg.doctor.checks.initialization import _init_scale as _init_scale
from thalweg.doctor.checks.initialization import _init_symmetric as _init_symmetric
from thalweg.doctor.checks.initialization import _initial_loss as _initial_loss
