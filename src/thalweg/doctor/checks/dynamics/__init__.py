"""Faults that show while training goes on."""

from thalweg.doctor.checks.dynamics import _dead_units as _dead_units
from thalweg.doctor.checks.dynamics import _exploding_gradient as _exploding_gradient
from thalweg.doctor.checks.dynamics import _non_finite as _non_finite
from thalweg.doctor.checks.dynamics import _over_regularized as _over_regularized
from thalweg.doctor.checks.dynamics import _plateau as _plateau
from thalweg.doctor.checks.dynamics import _saturated_units as _saturated_units
from thalweg.doctor.checks.dynamics import _slow_input as _slow_input
from thalweg.doctor.checks.dynamics import _sync_every_step as _sync_every_step
from thalweg.doctor.checks.dynamics import _underfitting as _underfitting
from thalweg.doctor.checks.dynamics import _vanishing_gradient as _vanishing_gradient
