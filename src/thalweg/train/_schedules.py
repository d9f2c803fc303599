"""Learning-rate schedules: pure functions from a step to a rate.

Each takes the step t, counted from zero, and the number of steps T, and returns the
share of the peak rate to use for that step. Constants k are per step.
"""

import inspect
import math
from collections.abc import Callable
from typing import Any

from thalweg._core.registry import Registry, did_you_mean
from thalweg.errors import SettingError

Schedule = Callable[[int], float]
"""From a step, counted from zero, to the learning rate of that step."""

schedules: Registry[Callable[..., float]] = Registry("schedule")


@schedules.register("constant", summary="the same rate throughout")
def constant(step: int, steps: int) -> float:
    """Return 1."""
    return 1.0


@schedules.register("step", summary="times `factor` after every `drop_every` share of the steps")
def step_decay(step: int, steps: int, *, factor: float = 0.1, drop_every: float = 1 / 3) -> float:
    """Return factor^⌊t / (drop_every · T)⌋."""
    # A product such as 0.1 · 30 = 3.0000000000000004 must not put a drop off by one step.
    return factor ** math.floor(step / max(1.0, drop_every * steps) + 1e-9)


@schedules.register("exponential", summary="e^(−decay · t)")
def exponential(step: int, steps: int, *, decay: float | None = None) -> float:
    """Return e^(−kt); by default k leaves a hundredth of the peak at the end."""
    k = math.log(100) / steps if decay is None else decay
    return math.exp(-k * step)


@schedules.register("linear", summary="1 − t/T, down to zero")
def linear(step: int, steps: int) -> float:
    """Return 1 − t/T."""
    return 1 - step / steps


@schedules.register("cosine", summary="½(1 + cos(πt/T)), down to zero")
def cosine(step: int, steps: int) -> float:
    """Return ½(1 + cos(πt/T)) (Loshchilov and Hutter, 2017)."""
    return 0.5 * (1 + math.cos(math.pi * step / steps))


@schedules.register("inverse_sqrt", summary="1/√t")
def inverse_sqrt(step: int, steps: int) -> float:
    """Return 1/√t, and 1 at the first step, where t is zero."""
    return 1 / math.sqrt(max(step, 1))


@schedules.register("inverse_time", summary="1/(1 + decay · t)")
def inverse_time(step: int, steps: int, *, decay: float | None = None) -> float:
    """Return 1/(1 + kt); by default k leaves a tenth of the peak at the end."""
    k = 9 / steps if decay is None else decay
    return 1 / (1 + k * step)


def schedule_options(name: str) -> list[str]:
    """Return the constants that a schedule takes."""
    parameters = inspect.signature(schedules[name]).parameters.values()
    return [each.name for each in parameters if each.kind is each.KEYWORD_ONLY]


def check_schedule(name: str, options: dict[str, Any]) -> None:
    """Refuse a schedule or constants of it that cannot work.

    Raises:
        UnknownNameError: There is no such schedule.
        SettingError: It does not take one of the options, or not with that value.
    """
    known = schedule_options(name)
    for option, value in options.items():
        if option not in known:
            raise SettingError(
                f"schedule {name!r} has no constant {option!r}. {did_you_mean(option, known)}"
            )
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if not is_number or not 0 <= value < math.inf:
            raise SettingError(f"{option} must be a finite number of at least 0, got {value!r}.")


def make_schedule(
    name: str, *, peak: float, steps: int, warmup: int = 0, options: dict[str, Any] | None = None
) -> Schedule:
    """Return the rate as a function of the step.

    The rate rises linearly to `peak` over the first `warmup` steps, then follows the named
    schedule over the steps that are left. After the last step it stays where it ended.

    Args:
        name: One of `schedules`.
        peak: Largest rate, per step.
        steps: Steps in the whole run, warm-up included.
        warmup: Steps of warm-up.
        options: Constants of the schedule.

    Raises:
        UnknownNameError: There is no such schedule.
        SettingError: It does not take one of the options, or not with that value.

    Example:
        >>> rate = make_schedule("linear", peak=1.0, steps=12, warmup=2)
        >>> [rate(step) for step in (0, 1, 2, 7)]
        [0.5, 1.0, 1.0, 0.5]
    """
    shape = schedules[name]
    options = options or {}
    check_schedule(name, options)
    rest = max(1, steps - warmup)

    def rate(step: int) -> float:
        if step < warmup:
            return peak * (step + 1) / warmup
        return peak * shape(min(step - warmup, rest), rest, **options)

    return rate
