"""Forward: it runs, in either mode, on batches of any length, and gives what is wanted."""

import copy

import torch
from torch import Tensor

from thalweg.conformance._suite import NotApplicable, Verdict
from thalweg.conformance.models._case import MODEL, ModelCase, answer, same
from thalweg.errors import ThalwegError


@MODEL.check(
    "Let forward keep no tensor that has a gradient, and no open file or lock, as an attribute.",
    is_gate=True,
)
def check_copies(case: ModelCase) -> Verdict:
    """A copy by copy.deepcopy has the same parameters and buffers, bit for bit."""
    model = copy.deepcopy(case.original)
    twins = zip(case.original.state_dict().items(), model.state_dict().values(), strict=True)
    differing = [
        name for (name, value), twin in twins if isinstance(value, Tensor) and not same(value, twin)
    ]
    return f"{differing[0]!r} differs in the copy." if differing else None


@MODEL.check(
    "Return one floating-point tensor from forward, examples along its first axis.", is_gate=True
)
def check_runs(case: ModelCase) -> Verdict:
    """In evaluation mode a batch gives one tensor of finite numbers, a row for each example."""
    return _not_rows(answer(case.copy(), case.inputs), len(case.inputs))


@MODEL.check("Call super().train(mode) in train(), and return self.")
def check_modes(case: ModelCase) -> Verdict:
    """eval() puts every module inside in evaluation mode; it and train() return the network."""
    model = case.copy()
    for called, returned in (("train", model.train()), ("eval", model.eval())):
        if returned is not model:
            return f"{called}() returned {type(returned).__name__}, not the network."
    training = [name or "the network" for name, each in model.named_modules() if each.training]
    return f"{training[0]} stays in training mode." if training else None


@MODEL.check("Return one floating-point tensor in training mode too, as in evaluation mode.")
def check_trains(case: ModelCase) -> Verdict:
    """In training mode a batch gives such a tensor too, of the same shape."""
    trained = answer(case.copy(training=True), case.inputs)
    if wrong := _not_rows(trained, len(case.inputs)):
        return wrong
    evaluated = answer(case.copy(), case.inputs)
    if trained.shape != evaluated.shape:
        return f"shape {tuple(trained.shape)} in training, {tuple(evaluated.shape)} in evaluation."
    return None


@MODEL.check("Give the last layer as many outputs as the task needs, and return it as it is.")
def check_output_suits_task(case: ModelCase) -> Verdict:
    """The output has the shape that the task needs."""
    if case.task is None or case.batch is None:
        return NotApplicable("there is no task without data")
    inputs, targets = case.batch
    try:
        case.task.check(answer(case.copy(), inputs), targets)
    except ThalwegError as error:
        return str(error)
    return None


@MODEL.check("Let nothing in forward squeeze the first axis or take moments over the batch.")
def check_batch_of_one(case: ModelCase) -> Verdict:
    """In evaluation mode a single example is as good as a batch of them."""
    return _not_rows(answer(case.copy(), case.inputs[:1]), 1)


@MODEL.check("Let forward read the length of the batch off its input.")
def check_last_batch(case: ModelCase) -> Verdict:
    """In training mode batches of other lengths pass, as the last one of an epoch may be."""
    if len(case.inputs) < 3:
        return NotApplicable("at least three examples are needed")
    model = case.copy(training=True)
    # A single one is not asked for: batch normalization cannot, and the trainer never does.
    for length in (len(case.inputs), len(case.inputs) - 1, 2):
        if wrong := _not_rows(answer(model, case.inputs[:length].clone()), length):
            return f"of {length} examples: {wrong}"
    return None


def _not_rows(output: object, examples: int) -> str | None:
    """Return what keeps an output from being a finite row of numbers for each example."""
    if not isinstance(output, Tensor):
        return f"an output of type {type(output).__name__}."
    if not output.is_floating_point():
        return f"an output of type {output.dtype}."
    if output.ndim == 0 or len(output) != examples:
        return f"an output of shape {tuple(output.shape)} for {examples} examples."
    if not bool(torch.isfinite(output).all()):
        return f"{int((~torch.isfinite(output)).sum())} outputs that are no finite numbers."
    return None
