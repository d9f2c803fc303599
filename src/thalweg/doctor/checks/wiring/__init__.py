"""Faults of the loop, the loss and the head."""

from thalweg.doctor.checks.wiring import _batch_mixing as _batch_mixing
from thalweg.doctor.checks.wiring import _batch_norm_small_batch as _batch_norm_small_batch
from thalweg.doctor.checks.wiring import _broadcast_loss as _broadcast_loss
from thalweg.doctor.checks.wiring import _detached as _detached
from thalweg.doctor.checks.wiring import _double_softmax as _double_softmax
from thalweg.doctor.checks.wiring import _input_ignored as _input_ignored
from thalweg.doctor.checks.wiring import _loss_scale as _loss_scale
from thalweg.doctor.checks.wiring import _missing_nonlinearity as _missing_nonlinearity
from thalweg.doctor.checks.wiring import _missing_step as _missing_step
from thalweg.doctor.checks.wiring import _missing_zero_grad as _missing_zero_grad
from thalweg.doctor.checks.wiring import _negated_loss as _negated_loss
from thalweg.doctor.checks.wiring import _not_in_optimizer as _not_in_optimizer
from thalweg.doctor.checks.wiring import _output_clamped as _output_clamped
from thalweg.doctor.checks.wiring import _stale_forward as _stale_forward
from thalweg.doctor.checks.wiring import _unused_module as _unused_module
from thalweg.doctor.checks.wiring import _wrong_loss as _wrong_loss
from thalweg.doctor.checks.wiring import _wrong_mode as _wrong_mode
