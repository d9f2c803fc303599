"""Metrics: the primary one first, all finite, and the same in any order."""

import math

import torch

from thalweg._core import seeds
from thalweg.conformance._suite import Verdict
from thalweg.conformance.tasks._case import TASK, TaskCase, off


@TASK.check("Return plain finite floats by name, leaving out what these examples cannot define.")
def check_metrics(case: TaskCase) -> Verdict:
    """quick() gives the primary metric, and score() begins with it; all are finite floats."""
    quick = case.task.quick(case.output, case.targets)
    score = case.task.score(case.output, case.targets)
    if list(quick) != [case.task.primary]:
        return f"quick() gives {list(quick)}, and the primary metric is {case.task.primary!r}."
    if list(score)[:1] != [case.task.primary]:
        return f"score() begins with {list(score)[:1]}, not with {case.task.primary!r}."
    first, same = quick[case.task.primary], score[case.task.primary]
    if off(first, same):
        return f"{case.task.primary} is {first:g} in quick() and {same:g} in score()."
    return _not_finite({**quick, **score})


@TASK.check("Compute metrics from all examples alike.")
def check_metrics_in_any_order(case: TaskCase) -> Verdict:
    """The order of the examples changes no metric."""
    rows = torch.randperm(len(case.targets), generator=seeds.generator(0, "order"))
    before = case.task.score(case.output, case.targets)
    after = case.task.score(case.output[rows], case.targets[rows])
    for name in {**before, **after}:
        if name not in before or name not in after or off(after[name], before[name]):
            return f"{name} was {before.get(name)}, is {after.get(name)}."
    return None


@TASK.check("Let score() divide by no count that can be zero, and leave out what is not defined.")
def check_metrics_of_few(case: TaskCase) -> Verdict:
    """One example, and examples that all have one target, can be scored."""
    alike = case.targets[:1].expand_as(case.targets).clone()
    for what, output, targets in (
        ("one example", case.output[:1], case.targets[:1]),
        ("examples with one target", case.output, alike),
    ):
        if wrong := _not_finite(case.task.score(output, targets)):
            return f"of {what}: {wrong}"
    return None


def _not_finite(metrics: dict[str, float]) -> str | None:
    for name, value in metrics.items():
        if type(value) is not float:
            return f"{name} is of type {type(value).__name__}."
        if not math.isfinite(value):
            return f"{name} is {value}."
    return None
