"""Keeping: a run stores a task's name and options, and moves what it keeps."""

import json

import torch
from torch import Tensor

from thalweg.conformance._suite import NotApplicable, Verdict
from thalweg.conformance.tasks._case import TASK, TaskCase
from thalweg.errors import ThalwegError
from thalweg.tasks import choose, tasks


@TASK.check(
    "Return from options() every keyword argument that is not at its default, as plain data."
)
def check_options(case: TaskCase) -> Verdict:
    """Its name and options(), through JSON, make the same task again."""
    name = case.task.name
    if name not in tasks or not isinstance(case.task, tasks[name]):
        return NotApplicable("it is not registered, so that no run can be loaded with it")
    options = json.loads(json.dumps(case.task.options()))
    try:
        again, _ = choose(case.task.target, wanted=name, options=options)
    except ThalwegError as error:
        return f"{options} is refused: {error}"
    if again.options() != case.task.options():
        return f"options {again.options()} after {case.task.options()}."
    same = torch.equal(
        again.losses(case.output, case.targets), case.task.losses(case.output, case.targets)
    )
    return None if same else "other losses from the task made again."


@TASK.check(
    "Keep tensors as attributes, which Task.to moves; move those in lists in to() of its own."
)
def check_moves(case: TaskCase) -> Verdict:
    """to(device) moves every tensor it keeps, and returns the task.

    Shown on the device "meta", where tensors have shapes and no values.
    """
    moved = case.task.to(torch.device("meta"))
    if moved is not case.task:
        return "another object."
    left = [name for name, each in vars(moved).items() if isinstance(each, Tensor)]
    left = [name for name in left if not getattr(moved, name).is_meta]
    if left:
        return f"{left[0]!r} stays behind."
    losses = moved.losses(case.output.to("meta"), case.targets.to("meta"))
    return None if losses.is_meta else f"losses on {losses.device}."
