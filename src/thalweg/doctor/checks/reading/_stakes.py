"""What is at stake in each weight: how much of the loss its gradient promises or threatens."""

import math
from collections import Counter

import numpy as np

from thalweg.doctor.checks.reading import _outcome
from thalweg.doctor.checks.reading._progress import losses
from thalweg.doctor.record import Motion, Record, Sample

# Uses of one parameter in a loss graph from which it is used again and again, as in time.
MANY_USES = 8


def first_loss(record: Record) -> float | None:
    """Return the size of the loss that training began with; None where there was none."""
    series = losses(record, None)
    return abs(series[0]) if series and series[0] != 0 else None


def stake(record: Record, name: str, motion: Motion, loss: float) -> float | None:
    """Return by how many times the loss a weight's own size would change it, to first order.

    This does not depend on the units of weights or loss. Below one hundredth, the loss hardly
    depends on the weight; far above one, a step of a tenth of the weight overshoots.
    """
    if motion.gradient is None:
        return None
    return motion.gradient * motion.weight * math.prod(record.parameters[name].shape) / loss


def stakes(record: Record, sample: Sample, loss: float) -> dict[str, float]:
    """Return what is at stake in the weight matrices of a sample, in the network's order."""
    found = {}
    for name in in_order(record):
        motion = sample.parameters.get(name)
        if motion is not None and record.parameters[name].is_trainable:
            value = stake(record, name, motion, loss)
            if value is not None:
                found[name] = value
    return found


def in_order(record: Record) -> list[str]:
    """Return the weight matrices as they are used: by the first call of their modules."""
    place = {
        name: facts.order
        for facts in record.modules.values()
        for name in facts.parameters
        if facts.calls
    }
    names = [name for name in record.parameters if _outcome.is_matrix(record, name)]
    return sorted(names, key=lambda name: place.get(name, -1))


def shared(record: Record) -> set[str]:
    """Return the weight matrices that are used again and again in one pass, as in time."""
    users: Counter[int] = Counter(each for node in record.graph for each in node.inputs)
    often = {
        node.parameter
        for place, node in enumerate(record.graph)
        if node.parameter is not None and users[place] >= MANY_USES
    }
    often |= {
        name
        for facts in record.modules.values()
        if facts.family == "recurrent" and "Cell" not in facts.kind
        for name in facts.parameters
    }
    return {name for name in often if name and _outcome.is_matrix(record, name)}


def gradient_sizes(record: Record) -> list[float]:
    """Return the length of the whole gradient by sample, as the optimizer got it."""
    found = []
    for sample in record.samples:
        squares = [
            motion.gradient**2 * math.prod(record.parameters[name].shape)
            for name, motion in sample.parameters.items()
            if motion.gradient is not None and name in record.parameters
        ]
        if squares:
            found.append(math.sqrt(sum(squares)))
    return found


def family(record: Record, parameter: str) -> str:
    """Return the family of the module that has a parameter; empty where none was called."""
    for facts in record.modules.values():
        if parameter in facts.parameters:
            return facts.family
    return ""


def is_resumed(record: Record) -> bool:
    """Return whether training had begun before the watch."""
    return any(each.has_state for each in record.optimizers)


def poor(record: Record, share: float) -> bool:
    """Return whether more than a share of the loss is left, or no curve tells and none fell."""
    left = _outcome.remaining(record)
    if left is not None:
        return not left < share
    series = losses(record, None)
    if len(series) < 4:
        return False
    return bool(np.median(series[-3:]) > share * series[0]) and series[0] > 0
