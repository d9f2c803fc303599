"""Trials of remedies: the same steps on two copies, with and without the change."""

import dataclasses
import math
import statistics
from collections.abc import Callable
from functools import partial
from typing import Any

import torch

from thalweg.doctor._finding import Finding
from thalweg.doctor.trials._specimen import Specimen

# Enough for a rate ten times larger or smaller to show, few enough to cost nothing.
STEPS = 20
# A batch that a network can learn by heart is learned in so many steps at any workable rate.
STEPS_BY_HEART = 150
# How much better a remedy must do to count: a fifth is beyond what dropout's draws explain.
MARGIN = 0.2

FACTORS = (10.0, 100.0, 1000.0)
"""By which a rate that is too low is raised, in turn."""

Trial = Callable[[Specimen], bool | None]


def confirmed(finding: Finding, specimen: Specimen | None) -> Finding:
    """Return the finding with what a trial said, where there is one for it."""
    trial = TRIALS.get(finding.fault)
    if trial is None or specimen is None:
        return finding
    try:
        return dataclasses.replace(finding, confirmed=trial(specimen))
    except (RuntimeError, ValueError, TypeError, TimeoutError):
        # A network that cannot be run apart from its loop, or takes too long, proves nothing.
        return finding


def _lower_rate(specimen: Specimen) -> bool:
    """Say whether a tenth of the rate does better where this one does not learn."""
    own = specimen.train(STEPS)
    slower = specimen.train(STEPS, lambda options: {"lr": options["lr"] / 10})
    rises = _end(own) > _start(own) + MARGIN * abs(_start(own))
    return rises or _end(slower) < (1 - MARGIN) * _end(own)


def _higher_rate(specimen: Specimen) -> bool:
    """Say whether ten, a hundred or a thousand times the rate gets much further."""
    own = specimen.train(STEPS)
    fell = _start(own) - _end(own)
    for factor in FACTORS:
        faster = specimen.train(STEPS, partial(_times, factor=factor))
        if _start(faster) - _end(faster) > 2 * fell + MARGIN / 2 * abs(_start(own)):
            return True
    return False


def _times(options: dict[str, Any], factor: float) -> dict[str, Any]:
    return {"lr": options["lr"] * factor}


def _no_decay(specimen: Specimen) -> bool | None:
    """Say whether the loss falls further without weight decay."""
    if not specimen.options.get("weight_decay"):
        return None
    own = specimen.train(STEPS)
    free = specimen.train(STEPS, lambda options: {"weight_decay": 0.0})
    return _end(free) < (1 - MARGIN / 4) * _end(own)


def _clipped(specimen: Specimen) -> bool:
    """Say whether a gradient cut to length one trains where the whole one does not."""
    own, clipped = specimen.train(STEPS), specimen.train(STEPS, clip=1.0)
    return _end(clipped) < (1 - MARGIN) * _end(own) or not math.isfinite(own[-1])


def _by_heart(specimen: Specimen) -> bool:
    """Say whether not even one batch can be learned by heart."""
    losses = specimen.train(STEPS_BY_HEART)
    return _end(losses) > _start(losses) / 2


def _standardized(specimen: Specimen) -> bool | None:
    """Say whether the loss falls further on inputs of mean zero and deviation one."""
    if not specimen.args or not isinstance(specimen.args[0], torch.Tensor):
        return None
    inputs = specimen.args[0]
    if not inputs.is_floating_point() or inputs.ndim < 2:
        return None
    standard = (inputs - inputs.mean(0)) / (inputs.std(0) + 1e-8)
    other = dataclasses.replace(specimen, args=(standard, *specimen.args[1:]))
    own, better = specimen.train(STEPS), other.train(STEPS)
    return _end(better) < (1 - MARGIN) * _end(own)


def _start(losses: list[float]) -> float:
    """Return the mean of the first losses; dropout makes each a little random."""
    return statistics.fmean(losses[:3])


def _end(losses: list[float]) -> float:
    """Return the mean of the last losses; infinity where training blew up."""
    return statistics.fmean(losses[-3:]) if math.isfinite(losses[-1]) else math.inf


TRIALS: dict[str, Trial] = {
    "lr-too-high": _lower_rate,
    "lr-too-low": _higher_rate,
    "over-regularized": _no_decay,
    "exploding-gradient": _clipped,
    "underfitting": _by_heart,
    "input-scale": _standardized,
}
"""Trials by the fault that they confirm or refute."""
