import math

from thalweg.doctor.checks._check import Unchecked
from thalweg.doctor.checks.dynamics._underfitting import check_underfitting


def resting(level, count=200):
    return [
        level + (2.3 - level) * math.exp(-step / 10) + 0.02 * math.sin(1.7 * step)
        for step in range(count)
    ]


def test_finds_one_unit_through_which_all_must_pass(training):
    [finding] = check_underfitting(training(resting(1.9), width=1))
    assert finding.evidence["numbers that pass"] == 1
    assert finding.where == "first"


def test_finds_a_single_layer_no_better_than_a_guess(training):
    record = training(resting(2.28))
    del record.modules["first"], record.parameters["first.weight"]
    [finding] = check_underfitting(record)
    assert finding.evidence["layers with weights"] == 1


def test_a_single_layer_that_learns_may_have_learned_all(training):
    record = training(resting(1.0))
    del record.modules["first"], record.parameters["first.weight"]
    assert not list(check_underfitting(record))


def test_is_silent_about_a_wide_network(training):
    assert not list(check_underfitting(training(resting(1.9))))


def test_is_silent_while_the_loss_falls(training):
    losses = [2.3 - 0.004 * step for step in range(200)]
    assert not list(check_underfitting(training(losses, width=1)))


def test_does_not_judge_few_steps(training):
    [answer] = check_underfitting(training(resting(1.9, 20), width=1))
    assert isinstance(answer, Unchecked)


def test_a_single_layer_with_a_weak_signal_is_fine(training):
    record = training(resting(2.15))
    del record.modules["first"], record.parameters["first.weight"]
    assert not list(check_underfitting(record))
