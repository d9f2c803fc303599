"""Calls: what one leaves behind changes no other, and nothing outside."""

import random

import numpy as np
import torch

from thalweg._core import seeds
from thalweg.conformance._suite import Verdict
from thalweg.conformance.models._case import (
    MODEL,
    ROUNDING,
    ModelCase,
    answer,
    changed,
    gap,
    same,
    tensors_of,
)


@MODEL.check(
    "Let what is random (dropout, noise) depend on self.training, or on a seed of its own."
)
def check_evaluation_repeats(case: ModelCase) -> Verdict:
    """In evaluation mode the same inputs give the same bits, whatever the random state."""
    model = case.copy()
    first, second = (answer(model, case.inputs, seed=seed) for seed in (0, 1))
    return None if same(first, second) else "other outputs at the second call."


@MODEL.check("Keep no result of one call for the next; register what must be kept as a buffer.")
def check_calls_apart(case: ModelCase) -> Verdict:
    """In evaluation mode what inputs give does not depend on the inputs of calls before."""
    model = case.copy()
    first = answer(model, case.inputs)
    answer(model, _others(case))
    again = answer(model, case.inputs)
    return None if same(first, again) else "other outputs after a call with other inputs."


@MODEL.check("Return a new tensor from each call, not a buffer that the next one fills again.")
def check_outputs_stay(case: ModelCase) -> Verdict:
    """An output stays as it is while the network is called again."""
    model = case.copy()
    output = answer(model, case.inputs)
    before = output.clone()
    answer(model, _others(case))
    return None if same(output, before) else "an output that the next call wrote over."


@MODEL.check("Update statistics only where self.training is true.")
def check_keeps_buffers(case: ModelCase) -> Verdict:
    """In evaluation mode forward changes no parameter and no buffer."""
    model = case.copy()
    before = tensors_of(model)
    answer(model, case.inputs)
    differing = changed(before, tensors_of(model))
    return f"{differing[0]!r} changed." if differing else None


@MODEL.check(
    "Take torch.manual_seed and torch.set_… out of forward; a generator of its own may go."
)
def check_leaves_the_world_alone(case: ModelCase) -> Verdict:
    """Forward seeds no global generator and changes no global setting of torch."""
    before = _settings()
    for training in (False, True):
        model, draws = case.copy(training=training), []
        for seed in (0, 1):
            with torch.no_grad(), seeds.isolated(seed, "world"):
                model(case.inputs)
                draws.append((random.random(), np.random.rand(), float(torch.rand(()))))
        for name, first, second in zip(("Python", "NumPy", "torch"), *draws, strict=True):
            if first == second:
                return f"the random numbers of {name} begin anew at each call."
    after = _settings()
    found = [name for name in before if before[name] != after[name]]
    return f"{found[0]} went from {before[found[0]]} to {after[found[0]]}." if found else None


@MODEL.check("Let forward set no requires_grad and ask for no gradients in evaluation mode.")
def check_without_gradients(case: ModelCase) -> Verdict:
    """Under torch.no_grad and torch.inference_mode it gives the same, but for rounding."""
    model = case.copy()
    expected = model(case.inputs).detach()
    for name, mode in (("no_grad", torch.no_grad), ("inference_mode", torch.inference_mode)):
        with mode():
            distance = gap(model(case.inputs), expected)
            if distance > ROUNDING:
                return f"outputs that move by {distance:.1e} of the largest under torch.{name}."
    return None


def _others(case: ModelCase) -> torch.Tensor:
    """Return other inputs of the same kind and shape: each example in place of another."""
    return case.inputs.roll(1, dims=0).flip(-1)


def _settings() -> dict[str, object]:
    return {
        "the gradient mode": torch.is_grad_enabled(),
        "the default dtype": torch.get_default_dtype(),
        "the number of threads": torch.get_num_threads(),
        "torch.use_deterministic_algorithms": torch.are_deterministic_algorithms_enabled(),
        "anomaly detection": torch.is_anomaly_enabled(),
    }
