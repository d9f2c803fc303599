"""Training as a whole: the doctor's opinion, and torch's compilers."""

import shutil
import warnings
from typing import Any

import torch
from torch import Tensor

from thalweg.conformance._suite import NotApplicable, Verdict
from thalweg.conformance.models._case import MODEL, ROUNDING, ModelCase, answer, gap
from thalweg.doctor import preflight
from thalweg.tasks import Task
from thalweg.train import losses_of


@MODEL.check("Print thalweg.preflight(model, batch, loss): it gives evidence and remedy.")
def check_doctor(case: ModelCase) -> Verdict:
    """In a dozen steps on one batch, the doctor finds nothing wrong."""
    if case.task is None or case.batch is None:
        return NotApplicable("there is no task without data")
    if not any(each.requires_grad for each in case.original.parameters()):
        return NotApplicable("nothing is trainable")
    task = case.task
    found = preflight(case.copy(), case.batch, lambda output, y: _loss(task, output, y)).findings
    return "; ".join(f"{each.fault} in {each.where}" for each in found) + "." if found else None


@MODEL.check("Keep Python's own control flow and objects out of forward.", is_thorough=True)
def check_compiled(case: ModelCase) -> Verdict:
    """Compiled by torch.compile, it gives the same outputs, but for rounding."""
    if shutil.which("c++") is None and case.inputs.device.type == "cpu":
        return NotApplicable("torch.compile needs a C++ compiler, and there is none")
    model = case.copy()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = answer(torch.compile(model), case.inputs)
    return _moved(found, answer(model, case.inputs))


@MODEL.check("Keep Python's own control flow and objects out of forward.", is_thorough=True)
def check_exported(case: ModelCase) -> Verdict:
    """Exported by torch.export, it gives the same outputs, but for rounding."""
    model = case.copy()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        exported = torch.export.export(model, (case.inputs,)).module()
        found = answer(exported, case.inputs)
    return _moved(found, answer(model, case.inputs))


def _loss(task: Task, output: Any, targets: Tensor) -> Tensor:
    """Return what training minimizes, auxiliary heads included."""
    weights = task.weights(targets)
    return losses_of(task, output, targets, None if weights is None else weights.sum())[0]


def _moved(found: Tensor, expected: Tensor) -> str | None:
    distance = gap(found, expected)
    return f"an output that moves by {distance:.1e}." if distance > ROUNDING else None
