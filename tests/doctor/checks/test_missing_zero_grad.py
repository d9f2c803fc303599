import pytest

from thalweg.doctor.checks._check import Unchecked
from thalweg.doctor.checks.wiring._missing_zero_grad import check_missing_zero_grad


def test_finds_gradients_that_are_never_cleared(loop):
    [finding] = check_missing_zero_grad(loop(stale=True))
    assert finding.evidence["stale steps"] == 40


def test_names_the_optimizer_of_two_that_is_never_cleared(loop):
    record = loop("fbs", optimizers=2)
    for row in record.steps[1::2]:
        row.is_stale = True
    [finding] = check_missing_zero_grad(record)
    assert finding.where == "loop, optimizer 2"


@pytest.mark.parametrize("events", ["fbs", "fbfbfbfbs", ["fbs", "s"]])
def test_is_silent_where_gradients_are_cleared(loop, events):
    assert not list(check_missing_zero_grad(loop(events)))


def test_is_silent_where_a_step_is_made_again_without_a_backward_pass(loop):
    record = loop(["fbs", "s", "s"], stale=True)
    assert not list(check_missing_zero_grad(record))


def test_is_silent_where_one_step_in_three_is_not_cleared(loop):
    record = loop()
    for row in record.steps[::3]:
        row.is_stale = True
    assert not list(check_missing_zero_grad(record))


def test_does_not_judge_three_steps(loop):
    [answer] = check_missing_zero_grad(loop(steps=3, stale=True))
    assert isinstance(answer, Unchecked)
