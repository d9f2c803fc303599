"""Faults that show on other data only."""

from thalweg.doctor.checks.generalization import _overfitting as _overfitting
