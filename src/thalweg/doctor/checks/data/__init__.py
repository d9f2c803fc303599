"""Faults of the data."""

from thalweg.doctor.checks.data import _class_imbalance as _class_imbalance
from thalweg.doctor.checks.data import _input_constant as _input_constant
from thalweg.doctor.checks.data import _input_scale as _input_scale
from thalweg.doctor.checks.data import _label_noise as _label_noise
from thalweg.doctor.checks.data import _leakage as _leakage
from thalweg.doctor.checks.data import _not_shuffled as _not_shuffled
from thalweg.doctor.checks.data import _repeated_batch as _repeated_batch
from thalweg.doctor.checks.data import _target_scale as _target_scale
