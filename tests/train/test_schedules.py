"""Schedules against torch's own and against the course's formulas."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.optim import lr_scheduler

from thalweg.errors import SettingError, UnknownNameError
from thalweg.train import make_schedule, schedules

PEAK, STEPS = 0.3, 60


def rates(name: str, steps: int = STEPS, **arguments) -> list[float]:
    schedule = make_schedule(name, peak=PEAK, steps=steps, **arguments)
    return [schedule(step) for step in range(steps)]


def torch_rates(make, steps: int = STEPS) -> list[float]:
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=PEAK)
    scheduler = make(optimizer)
    found = []
    for _ in range(steps):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return found


@pytest.mark.parametrize(
    ("name", "options", "make"),
    [
        ("constant", {}, lambda sgd: lr_scheduler.ConstantLR(sgd, factor=1.0)),
        ("cosine", {}, lambda sgd: lr_scheduler.CosineAnnealingLR(sgd, T_max=STEPS)),
        ("linear", {}, lambda sgd: lr_scheduler.LinearLR(sgd, 1.0, 0.0, total_iters=STEPS)),
        (
            "exponential",
            {"decay": 0.05},
            lambda sgd: lr_scheduler.ExponentialLR(sgd, gamma=math.exp(-0.05)),
        ),
        (
            "step",
            {"factor": 0.5, "drop_every": 0.25},
            lambda sgd: lr_scheduler.StepLR(sgd, step_size=STEPS // 4, gamma=0.5),
        ),
    ],
)
def test_agrees_with_torch(name, options, make):
    assert rates(name, options=options) == pytest.approx(torch_rates(make), rel=1e-9)


@pytest.mark.parametrize(
    ("name", "options", "formula"),
    [
        ("constant", {}, lambda t: PEAK),
        ("linear", {}, lambda t: PEAK * (1 - t / STEPS)),
        ("cosine", {}, lambda t: PEAK / 2 * (1 + math.cos(math.pi * t / STEPS))),
        ("exponential", {"decay": 0.1}, lambda t: PEAK * math.exp(-0.1 * t)),
        ("inverse_time", {"decay": 0.2}, lambda t: PEAK / (1 + 0.2 * t)),
        ("inverse_sqrt", {}, lambda t: PEAK / math.sqrt(t) if t else PEAK),
        ("step", {}, lambda t: PEAK * 0.1 ** (t // 20)),
    ],
)
def test_follows_the_formula_of_the_course(name, options, formula):
    assert rates(name, options=options) == pytest.approx([formula(t) for t in range(STEPS)])


def test_every_schedule_is_tested_here():
    assert schedules.names() == [
        "constant",
        "step",
        "exponential",
        "linear",
        "cosine",
        "inverse_sqrt",
        "inverse_time",
    ]


def test_by_default_decays_leave_the_documented_share_at_the_end():
    assert make_schedule("exponential", peak=1, steps=50)(50) == pytest.approx(1 / 100)
    assert make_schedule("inverse_time", peak=1, steps=50)(50) == pytest.approx(1 / 10)


@pytest.mark.parametrize("steps", range(1, 200))
def test_drops_fall_on_the_exact_step(steps):
    """In floating point 0.1 · 30 is more than 3; the drop still belongs to step 3."""
    for parts in (3, 4, 10):
        found = rates("step", steps, options={"factor": 0.5, "drop_every": 1 / parts})
        # Whole numbers only: drops so far are ⌊t · parts / steps⌋, or t where that is faster
        # than one drop per step.
        drops = [min(step * parts // steps, step) for step in range(steps)]
        assert found == pytest.approx([PEAK * 0.5**drop for drop in drops])


@pytest.mark.parametrize("name", schedules.names())
def test_warmup_rises_evenly_to_the_peak_and_then_leaves_the_schedule_as_it_is(name):
    warm = rates(name, warmup=10)
    assert warm[:10] == pytest.approx([PEAK * k / 10 for k in range(1, 11)])
    assert warm[10:] == pytest.approx(rates(name, STEPS - 10))


@given(
    st.sampled_from(schedules.names()),
    st.integers(1, 500),
    st.integers(0, 600),
    st.integers(0, 2000),
)
def test_a_rate_is_never_negative_nor_above_the_peak(name, steps, warmup, step):
    rate = make_schedule(name, peak=PEAK, steps=steps, warmup=warmup)(step)
    assert 0 <= rate <= PEAK * (1 + 1e-12)


@pytest.mark.parametrize("name", schedules.names())
def test_after_the_last_step_the_rate_stays_where_it_ended(name):
    schedule = make_schedule(name, peak=PEAK, steps=20)
    assert schedule(1000) == schedule(20)


def test_an_unknown_schedule_comes_with_the_nearest():
    with pytest.raises(UnknownNameError, match="Did you mean 'cosine'"):
        make_schedule("cosin", peak=1, steps=10)


def test_an_unknown_constant_comes_with_the_nearest():
    with pytest.raises(
        SettingError, match=r"'step' has no constant 'facter'\. Did you mean 'factor'"
    ):
        make_schedule("step", peak=1, steps=10, options={"facter": 0.5})


@pytest.mark.parametrize("value", ["x", -1, math.nan, math.inf, True, None, [0.1]])
def test_a_constant_that_cannot_work_is_refused_before_training(value):
    with pytest.raises(SettingError, match="factor must be a finite number of at least 0"):
        make_schedule("step", peak=1, steps=10, options={"factor": value})
