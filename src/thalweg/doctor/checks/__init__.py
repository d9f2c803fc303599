"""From the record to what is wrong: one file per fault or family of faults, no torch."""

from thalweg.doctor.checks import _batch_mixing as _batch_mixing
from thalweg.doctor.checks import _batch_norm_small_batch as _batch_norm_small_batch
from thalweg.doctor.checks import _broadcast_loss as _broadcast_loss
from thalweg.doctor.checks import _class_imbalance as _class_imbalance
from thalweg.doctor.checks import _dead_units as _dead_units
from thalweg.doctor.checks import _detached as _detached
from thalweg.doctor.checks import _double_softmax as _double_softmax
from thalweg.doctor.checks import _exploding_gradient as _exploding_gradient
from thalweg.doctor.checks import _init_scale as _init_scale
from thalweg.doctor.checks import _init_symmetric as _init_symmetric
from thalweg.doctor.checks import _initial_loss as _initial_loss
from thalweg.doctor.checks import _input_constant as _input_constant
from thalweg.doctor.checks import _input_ignored as _input_ignored
from thalweg.doctor.checks import _input_scale as _input_scale
from thalweg.doctor.checks import _label_noise as _label_noise
from thalweg.doctor.checks import _leakage as _leakage
from thalweg.doctor.checks import _loss_scale as _loss_scale
from thalweg.doctor.checks import _lr_decayed_early as _lr_decayed_early
from thalweg.doctor.checks import _lr_too_high as _lr_too_high
from thalweg.doctor.checks import _lr_too_low as _lr_too_low
from thalweg.doctor.checks import _missing_nonlinearity as _missing_nonlinearity
from thalweg.doctor.checks import _missing_step as _missing_step
from thalweg.doctor.checks import _missing_zero_grad as _missing_zero_grad
from thalweg.doctor.checks import _negated_loss as _negated_loss
from thalweg.doctor.checks import _non_finite as _non_finite
from thalweg.doctor.checks import _not_in_optimizer as _not_in_optimizer
from thalweg.doctor.checks import _not_shuffled as _not_shuffled
from thalweg.doctor.checks import _output_clamped as _output_clamped
from thalweg.doctor.checks import _over_regularized as _over_regularized
from thalweg.doctor.checks import _overfitting as _overfitting
from thalweg.doctor.checks import _plateau as _plateau
from thalweg.doctor.checks import _repeated_batch as _repeated_batch
from thalweg.doctor.checks import _saturated_units as _saturated_units
from thalweg.doctor.checks import _slow_input as _slow_input
from thalweg.doctor.checks import _stale_forward as _stale_forward
from thalweg.doctor.checks import _sync_every_step as _sync_every_step
from thalweg.doctor.checks import _target_scale as _target_scale
from thalweg.doctor.checks import _underfitting as _underfitting
from thalweg.doctor.checks import _unused_module as _unused_module
from thalweg.doctor.checks import _vanishing_gradient as _vanishing_gradient
from thalweg.doctor.checks import _wrong_loss as _wrong_loss
from thalweg.doctor.checks import _wrong_mode as _wrong_mode
from thalweg.doctor.checks._check import CHECKS, EXPLAINS

__all__ = ["CHECKS", "EXPLAINS"]
