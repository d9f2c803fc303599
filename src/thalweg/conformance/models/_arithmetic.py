"""Arithmetic: the network computes in double and in half precision what it does in single."""

import torch
from torch import Tensor

from thalweg.conformance._suite import NotApplicable, Verdict
from thalweg.conformance.models._case import MODEL, ModelCase, answer, gap, objective

# Of the largest output; single precision keeps seven digits, of which depth costs some.
SINGLE = 1e-3
# Bfloat16 keeps eight bits, so that a sum of many terms is good to a tenth.
HALF = 0.1


@MODEL.check("Make tensors in forward with dtype=x.dtype; let .to() reach all there is.")
def check_double(case: ModelCase) -> Verdict:
    """After .to(torch.float64) it gives float64, and the same to 1e-3 of the largest."""
    return _converted(case, torch.float64, SINGLE)


@MODEL.check("Make tensors in forward with dtype=x.dtype; let .to() reach all there is.")
def check_half(case: ModelCase) -> Verdict:
    """After .to(torch.bfloat16) it gives bfloat16, and the same to a tenth of the largest."""
    return _converted(case, torch.bfloat16, HALF)


@MODEL.check("Compute logarithms, exponentials and sums of many terms in x.float().")
def check_autocast(case: ModelCase) -> Verdict:
    """Under autocast to bfloat16 it gives the same to a tenth, and finite gradients."""
    model, plain = case.copy(training=True), answer(case.copy(), case.inputs)
    with torch.autocast(case.inputs.device.type, dtype=torch.bfloat16):
        output = model(case.inputs)
        evaluated = answer(case.copy(), case.inputs)
    if output.requires_grad:
        objective(output.float()).backward()
    for name, parameter in model.named_parameters():
        if parameter.grad is not None and not bool(torch.isfinite(parameter.grad).all()):
            return f"the gradient of {name!r} has values that are no finite numbers."
    return _off(evaluated, plain, HALF)


def _converted(case: ModelCase, dtype: torch.dtype, most: float) -> Verdict:
    if not case.inputs.is_floating_point():
        return NotApplicable("the inputs are whole numbers")
    model = case.copy()
    expected = answer(model, case.inputs)
    found = answer(model.to(dtype), case.inputs.to(dtype))
    if found.dtype != dtype:
        return f"an output of type {found.dtype}."
    return _off(found, expected, most)


def _off(found: Tensor, expected: Tensor, most: float) -> str | None:
    distance = gap(found, expected)
    return f"an output that is off by {distance:.1e} of the largest." if distance > most else None
