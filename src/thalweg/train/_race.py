"""Which value of a setting is fastest: steps on copies of a network, taken in turns."""

import dataclasses
import math
import statistics
from typing import Any

from torch import nn

from thalweg.data import Splits
from thalweg.tasks import Task
from thalweg.train._config import Config
from thalweg.train._trial import Trial

Subject = tuple[nn.Module, Splits, Task]
"""What is trained: the network, its data, what is wanted of it."""

# Turns that candidates take, and how long each lasts at least.
ROUNDS, FEWER_ROUNDS = 5, 3
SECONDS_PER_TURN = 0.01
# Who has taken so many times as long as the usual one, each at its best, is out: in a long race,
# and in a short one.
HOPELESS, LEAD = 2.0, 0.95
# What is not faster by this share stays as it was.
MARGIN = 0.05


def race(
    subject: Subject, config: Config, setting: str, values: list[Any], *, is_short: bool = False
) -> dict[Any, float]:
    """Return the seconds of a step with each value, taken in turns; the first is the usual one.

    Args:
        subject: What is trained.
        config: Complete settings.
        setting: Which of them differs.
        values: What it may be.
        is_short: Whether to take fewer turns, and to leave out who does not lead in the first.
    """
    rounds, hopeless = (FEWER_ROUNDS, LEAD) if is_short else (ROUNDS, HOPELESS)
    trials = {
        value: Trial(*subject, dataclasses.replace(config, **{setting: value})) for value in values
    }
    usual = values[0]
    steps = max(2, math.ceil(SECONDS_PER_TURN / trials[usual].seconds(2)))
    seconds: dict[Any, list[float]] = {value: [] for value in values}
    for _ in range(rounds):
        for value, trial in list(trials.items()):
            seconds[value].append(trial.seconds(steps))
            if value != usual and min(seconds[value]) > hopeless * min(seconds[usual]):
                del trials[value]
        if list(trials) == [usual]:
            break
    return {value: statistics.median(each) for value, each in seconds.items()}


def fastest(seconds: dict[Any, float], usual: Any, margin: float = MARGIN) -> Any:
    """Return the value of the shortest step; the usual one where that gains less than a share."""
    best = min(seconds, key=seconds.__getitem__)
    return best if seconds[best] < (1 - margin) * seconds[usual] else usual


def comparison(seconds: dict[Any, float], best: Any, wording: str) -> str:
    """Return in words how long steps took: the best, then the others, each worded."""
    others = [
        f"{milliseconds(each)} {wording.format(value)}"
        for value, each in seconds.items()
        if value != best
    ]
    told = f"{milliseconds(seconds[best])} a step"
    return f"{told}; {', '.join(others)}" if others else told


def milliseconds(seconds: float) -> str:
    """Return a time in words."""
    return f"{1000 * seconds:.3g} ms"
