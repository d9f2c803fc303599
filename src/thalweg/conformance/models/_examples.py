"""Examples: each is answered by itself, whatever lies beside it and however it lies in memory."""

import torch
from torch import Tensor, nn

from thalweg.conformance._suite import NotApplicable, Verdict
from thalweg.conformance.models._case import MODEL, ROUNDING, ModelCase, answer, gap, same


@MODEL.check("Compute nothing across the first axis in evaluation mode.")
def check_examples_apart(case: ModelCase) -> Verdict:
    """In evaluation mode a batch gives what its examples give one by one, but for rounding."""
    model = case.copy()
    whole = answer(model, case.inputs)
    alone = torch.cat([answer(model, one.clone()) for one in case.inputs.split(1)])
    return _too_far(alone, whole, "alone, an example's output moves")


@MODEL.check("Compute nothing that depends on the position in the batch.")
def check_order(case: ModelCase) -> Verdict:
    """In evaluation mode reversing the batch reverses the outputs, but for rounding."""
    model = case.copy()
    ahead = answer(model, case.inputs)
    back = answer(model, case.inputs.flip(0)).flip(0)
    return _too_far(back, ahead, "reversed, an example's output moves")


@MODEL.check("Work on a copy: x = x + 1 in place of x += 1, F.relu(x) in place of F.relu_(x).")
def check_inputs_untouched(case: ModelCase) -> Verdict:
    """Forward leaves its inputs as they were."""
    before = case.inputs.clone()
    for training in (False, True):
        answer(case.copy(training=training), case.inputs)
        if not same(case.inputs, before):
            return f"inputs changed in {'training' if training else 'evaluation'} mode."
    return None


@MODEL.check("Use reshape in place of view, and no strides or storage of the input.")
def check_strided_inputs(case: ModelCase) -> Verdict:
    """Inputs that are not contiguous in memory give the same outputs, but for rounding."""
    model = case.copy()
    return _too_far(answer(model, _strided(case.inputs)), answer(model, case.inputs), "moved")


@MODEL.check("Use reshape in place of view, and no strides or storage of the input.")
def check_channels_last(case: ModelCase) -> Verdict:
    """With channels innermost, images give the same outputs and gradients, but for rounding.

    Compared in double precision: in a deep network the roundings of single precision take some
    ReLU to its other side, and the gradient with it.
    """
    if case.inputs.ndim != 4 or not case.inputs.is_floating_point():
        return NotApplicable("the inputs are no images")
    plain, innermost, images = case.copy().double(), case.copy().double(), case.inputs.double()
    innermost.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
    first = plain(images)
    second = innermost(images.contiguous(memory_format=torch.channels_last))
    if wrong := _too_far(second.detach(), first.detach(), "outputs move"):
        return wrong
    weights = torch.randn(first.shape).to(first)
    # Hands the gradient out in the layout of the output, as a loss does.
    for output in (first, second):
        if output.requires_grad:
            (output * weights).sum().backward()
    return _too_far(_gradient(innermost), _gradient(plain), "gradients move")


def _gradient(model: nn.Module) -> Tensor:
    found = [each.grad.flatten() for each in model.parameters() if each.grad is not None]
    return torch.cat(found) if found else torch.zeros(1)


def _strided(values: Tensor) -> Tensor:
    """Return the same values with the last axis outermost in memory, and gaps between them."""
    spread = torch.stack([values.movedim(-1, 0), values.movedim(-1, 0)], dim=-1)
    return spread[..., 0].movedim(0, -1)


def _too_far(found: Tensor, expected: Tensor, what: str) -> str | None:
    distance = gap(found, expected)
    return f"{what} by {distance:.1e} of the largest." if distance > ROUNDING else None
