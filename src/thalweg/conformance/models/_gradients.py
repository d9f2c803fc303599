"""Gradients: there, finite, equal to the slope, the same each time, and adding up."""

import math
import statistics

import torch
from torch import Tensor, nn

from thalweg._core import seeds
from thalweg.autodiff import slope
from thalweg.conformance._suite import NotApplicable, Verdict
from thalweg.conformance.models._case import (
    MODEL,
    ModelCase,
    answer,
    changed,
    gap,
    objective,
    same,
    tensors_of,
)
from thalweg.conformance.models._state import take_step

# A ReLU or a maximum that is crossed all the same bends the slope by less than this.
SLOPE = 1e-3
DIRECTIONS = 3
# In a deep network even the first step, along millions of weights at once, takes some ReLU to its
# other side; the second costs digits that are not needed then.
STEPS = (1e-6, 1e-8)
# Equal pixels tie in a maximum, and zero biases leave a ReLU at its corner: neither has a slope.
# So all is moved by this share of its own size, and looked at elsewhere where that did not do.
JITTER = 0.01
PLACES = 3
# A gradient as small as this is none; rounding alone shows slopes of 1e-10.
FLAT = 1e-6
# Gradients of pieces add up in another order.
ADDING_UP = 1e-3


@MODEL.check(
    "Use every parameter in forward, without .detach(), .item() or torch.no_grad() on the way; "
    "freeze the others with requires_grad_(False)."
)
def check_gradients(case: ModelCase) -> Verdict:
    """Every parameter with requires_grad gets a finite gradient; there is at least one."""
    model = case.copy(training=True)
    trainable = {name: p for name, p in model.named_parameters() if p.requires_grad}
    if not trainable:
        return "no parameter with requires_grad."
    output = model(case.inputs)
    if not output.requires_grad:
        return "an output that depends on no parameter."
    objective(output).backward()
    for name, parameter in trainable.items():
        if parameter.grad is None:
            return f"{name!r} has no gradient."
        if not bool(torch.isfinite(parameter.grad).all()):
            return f"the gradient of {name!r} has values that are no finite numbers."
    return None


@MODEL.check(
    "Compare the backward of your own autograd functions with torch.autograd.gradcheck; "
    "an estimate that is meant to differ is an expected failure."
)
def check_gradient_is_the_slope(case: ModelCase) -> Verdict:
    """In double precision the gradient is the slope that finite differences show, to 1e-3."""
    for seed in range(PLACES):
        model, inputs = case.copy(training=True).double(), case.inputs.clone()
        if inputs.is_floating_point():
            inputs = inputs.double().requires_grad_()
        named: dict[str, Tensor] = {n: p for n, p in model.named_parameters() if p.requires_grad}
        if inputs.requires_grad:
            named["the inputs"] = inputs
        _jitter(list(named.values()), seed)
        output = _drawn_alike(model, inputs)
        if not named or not output.requires_grad:
            return NotApplicable("nothing has a gradient")
        objective(output).backward()
        if _error(model, inputs, list(named.values())) <= SLOPE:
            return None
        # One by one takes many times as long, so that it waits for the last place.
        if seed == PLACES - 1:
            errors = {name: _error(model, inputs, [each]) for name, each in named.items()}
            worst = max(errors, key=lambda name: errors[name])
            return f"the slope along {worst!r} is off by {errors[worst]:.1e} of its usual size."
    return None


@MODEL.check("Draw random numbers from torch's, NumPy's or Python's own generators alone.")
def check_same_seed_same_step(case: ModelCase) -> Verdict:
    """From the same weights, seed and batch, a step of training gives the same bits."""
    first, second = (case.copy(training=True) for _ in range(2))
    for model in (first, second):
        with seeds.isolated(0, "step"):
            take_step(model, case.inputs.clone())
    differing = changed(tensors_of(first), tensors_of(second))
    return f"{differing[0]!r} differs." if differing else None


@MODEL.check("Normalize by layer or group, not over the batch; or train without accumulate.")
def check_pieces_add_up(case: ModelCase) -> Verdict:
    """The gradient of a batch is that of its pieces added up, to 1e-3 of the largest.

    It cannot be where batch normalization looks at a whole piece, or dropout draws anew.
    """
    if len(case.inputs) < 2:
        return NotApplicable("at least two examples are needed")
    model = case.copy(training=True)
    if any(isinstance(each, nn.modules.batchnorm._BatchNorm) for each in model.modules()):
        return NotApplicable("batch normalization looks at the whole batch")
    if not same(*(answer(model, case.inputs, seed=seed) for seed in (0, 1))):
        return NotApplicable("the network draws random numbers while training")
    whole = _gradient(model, (case.inputs,))
    # Of uneven lengths, as the last pieces are.
    third = -(-len(case.inputs) // 3)
    pieces = _gradient(model, case.inputs.split(third))
    distance = gap(pieces, whole)
    return f"a gradient that is off by {distance:.1e}." if distance > ADDING_UP else None


def _gradient(model: nn.Module, pieces: tuple[Tensor, ...]) -> Tensor:
    """Return the gradient of the objective over all pieces together."""
    model.zero_grad()
    total = sum(len(piece) for piece in pieces)
    for piece in pieces:
        output = model(piece.clone())
        if output.requires_grad:
            (objective(output) * len(piece) / total).backward()
    found = [each.grad.flatten() for each in model.parameters() if each.grad is not None]
    return torch.cat(found) if found else torch.zeros(1)


def _jitter(values: list[Tensor], seed: int) -> None:
    """Move numbers in place, by a share of their root mean square, of those of all if that is 0."""
    draw = seeds.generator(seed, "jitter")
    every = torch.cat([each.detach().flatten() for each in values] or [torch.ones(1)])
    with torch.no_grad():
        for each in values:
            own = each.square().mean().sqrt() if each.any() else every.square().mean().sqrt()
            noise = torch.randn(each.shape, generator=draw, dtype=torch.float64)
            each.add_(noise.to(each) * own * JITTER)


def _drawn_alike(model: nn.Module, inputs: Tensor) -> Tensor:
    """Return the output, with the same dropout each time."""
    with seeds.isolated(0, "slope"):
        return model(inputs.clone())


def _error(model: nn.Module, inputs: Tensor, along: list[Tensor]) -> float:
    """Return how far slope and gradient differ, in the slope's usual size; the median of three.

    Along a random direction of N numbers, a gradient of norm g usually has the slope g/√N.
    """
    gradients = [torch.zeros_like(each) if each.grad is None else each.grad for each in along]
    size = sum(float(each.square().sum()) for each in gradients) ** 0.5
    draw = seeds.generator(0, "directions")
    errors = []
    for _ in range(DIRECTIONS):
        directions = [
            torch.randn(each.shape, generator=draw, dtype=torch.float64).to(each) for each in along
        ]
        claimed = sum(
            float((gradient * direction).sum())
            for gradient, direction in zip(gradients, directions, strict=True)
        )
        error = math.inf
        for step in STEPS:
            found = slope(
                lambda: float(objective(_drawn_alike(model, inputs))), along, directions, step
            )
            error = abs(found - claimed) / max(size, FLAT)
            if error <= SLOPE:
                break
        errors.append(error)
    return statistics.median(errors)
