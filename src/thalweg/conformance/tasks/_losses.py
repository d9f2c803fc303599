"""Losses: one for each example, finite, of the right sign, with the right slope."""

import torch
from torch import Tensor

from thalweg._core import seeds
from thalweg.conformance._suite import NotApplicable, Verdict
from thalweg.conformance.tasks._case import ROUNDING, TASK, TaskCase, off
from thalweg.errors import ShapeError

# As large as an output of a network that diverges; e^1e4 has no floating-point number.
EXTREME = 1e4
# The difference is exact but for curvature and the rounding of double precision.
STEP, SLOPE = 1e-6, 1e-5


@TASK.check(
    "Return a floating-point tensor of shape (batch,) from losses(): reduce over outputs, not "
    "over examples.",
    is_gate=True,
)
def check_losses(case: TaskCase) -> Verdict:
    """losses() gives a finite floating-point number for each example."""
    losses = case.task.losses(case.output, case.targets)
    examples = len(case.targets)
    if not isinstance(losses, Tensor) or losses.shape != (examples,):
        return f"{_described(losses)} for {examples} examples."
    if not losses.is_floating_point():
        return f"losses of type {losses.dtype}."
    wrong = int((~torch.isfinite(losses)).sum())
    return f"{wrong} losses that are no finite numbers." if wrong else None


@TASK.check("Compute each loss from its own row of output and targets.")
def check_losses_apart(case: TaskCase) -> Verdict:
    """The loss of an example does not depend on which others are beside it, nor on their order."""
    whole = case.task.losses(case.output, case.targets)
    rows = torch.randperm(len(whole), generator=seeds.generator(0, "pieces"))
    pieces = [case.task.losses(case.output[r], case.targets[r]) for r in rows.split(7)]
    distance = float((torch.cat(pieces) - whole[rows]).abs().max())
    return f"losses that move by {distance:.1e}." if off(distance, 0.0) else None


@TASK.check(
    "Return the mean of losses() from mean_loss(), or leave mean_loss() as it is inherited."
)
def check_mean_loss(case: TaskCase) -> Verdict:
    """mean_loss() is the mean of losses()."""
    if case.task.weights(case.targets) is not None:
        return NotApplicable("it is for examples that all weigh one")
    found = float(case.task.mean_loss(case.output, case.targets))
    expected = float(case.task.losses(case.output, case.targets).mean())
    return f"{found:g}, not {expected:g}." if off(found, expected) else None


@TASK.check("Return the negative logarithm of a probability, -log p, which is never below zero.")
def check_losses_not_negative(case: TaskCase) -> Verdict:
    """Losses of classes and labels are zero or more, as -log p is."""
    if case.task.target.kind == "number":
        return NotApplicable("the likelihood of a number may exceed one")
    least = float(case.task.losses(case.output, case.targets).min())
    return f"a loss of {least:g}." if least < -ROUNDING else None


@TASK.check("Compute from logits, with logsigmoid, log_softmax or softplus, never log(exp(x)).")
def check_extreme_outputs(case: TaskCase) -> Verdict:
    """Outputs of 10,000, -10,000 and zero have finite losses and gradients."""
    for sign in (1.0, -1.0, 0.0):
        output = torch.full_like(case.output, sign * EXTREME)
        output[::2, 0] *= -1
        output.requires_grad_()
        losses = case.task.losses(output, case.targets)
        losses.sum().backward()
        assert output.grad is not None
        for name, values in (("losses", losses), ("gradients", output.grad)):
            if not bool(torch.isfinite(values).all()):
                return f"{name} that are no finite numbers for outputs of ±{abs(sign) * EXTREME:g}."
    return None


@TASK.check("Let gradients pass: no .detach(), argmax or rounding between output and loss.")
def check_loss_has_its_slope(case: TaskCase) -> Verdict:
    """In double precision the gradient of the losses is the slope that finite differences show."""
    output = case.output.double().requires_grad_()
    losses = case.task.losses(output, case.targets)
    if not losses.requires_grad:
        return "losses without a gradient."
    losses.sum().backward()
    assert output.grad is not None
    draw = seeds.generator(0, "direction")
    direction = torch.randn(output.shape, generator=draw, dtype=torch.float64).to(output)
    with torch.no_grad():
        ahead = case.task.losses(output + STEP * direction, case.targets)
        back = case.task.losses(output - STEP * direction, case.targets)
    slope = (output.grad * direction).flatten(1).sum(dim=1)
    found = (ahead - back) / (2 * STEP)
    wrong = (found - slope).abs() > SLOPE * slope.abs().clamp_min(1.0)
    if not bool(wrong.any()):
        return None
    row = int(wrong.nonzero()[0])
    return f"a slope of {float(found[row]):g} where the gradient says {float(slope[row]):g}."


@TASK.check("Return one positive weight for each example from weights(), or None.")
def check_weights(case: TaskCase) -> Verdict:
    """weights() is None, or finite and positive for each example."""
    weights = case.task.weights(case.targets)
    if weights is None:
        return None
    if weights.shape != (len(case.targets),):
        return f"{_described(weights)} for {len(case.targets)} examples."
    sound = torch.isfinite(weights) & (weights > 0)
    return None if bool(sound.all()) else f"a weight of {float(weights[~sound][0]):g}."


@TASK.check("Let losses() work on tensors of length zero: no [0], max or mean over examples.")
def check_no_examples(case: TaskCase) -> Verdict:
    """For no examples there are no losses, rather than an error or a number that is none."""
    losses = case.task.losses(case.output[:0], case.targets[:0])
    return None if losses.shape == (0,) else f"{_described(losses)}."


@TASK.check("Raise thalweg.errors.ShapeError in check(), with the shape that is needed.")
def check_refuses(case: TaskCase) -> Verdict:
    """check() takes an output that fits, and refuses others in a line."""
    case.task.check(case.output, case.targets)
    wrong = {
        "one number too many": torch.cat([case.output, case.output[:, :1]], dim=1),
        "one row too few": case.output[1:],
    }
    for what, output in wrong.items():
        try:
            case.task.check(output, case.targets)
        except ShapeError as error:
            if "\n" in str(error) or not str(error):
                return f"{len(str(error).splitlines())} lines for an output with {what}."
        else:
            return f"no error for an output with {what}."
    return None


def _described(value: object) -> str:
    if isinstance(value, Tensor):
        return f"a tensor of shape {tuple(value.shape)}"
    return f"an object of type {type(value).__name__}"
