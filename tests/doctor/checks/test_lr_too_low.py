import math

import pytest

from thalweg.doctor.checks._check import Unchecked
from thalweg.doctor.checks.step_size._lr_too_low import check_lr_too_low
from thalweg.train import Config


def creeping(count=300):
    return [2.3 - 0.0004 * step + 0.02 * math.sin(1.7 * step) for step in range(count)]


def test_finds_steps_that_hardly_move_the_weights(training):
    [finding] = check_lr_too_low(training(creeping(), moves=1e-4, rates=1e-5))
    assert finding.fault == "lr-too-low"
    assert finding.remedy.change(Config(learning_rate=1e-5))["learning_rate"] == pytest.approx(1e-4)


def test_is_silent_where_steps_are_of_usual_length(training):
    assert not list(check_lr_too_low(training(creeping(), moves=0.01)))


def test_is_silent_where_the_loss_is_low(training):
    losses = [0.2 + 0.01 * math.sin(1.7 * step) for step in range(300)]
    assert not list(check_lr_too_low(training(losses, moves=1e-4)))


def test_is_silent_where_there_is_no_gradient(training):
    assert not list(check_lr_too_low(training(creeping(), moves=1e-4, gradient=1e-9)))


def test_is_silent_where_some_layers_are_cut_off(training):
    record = training(creeping(), moves=1e-5)
    for sample in record.samples:
        sample.parameters["head.weight"].update *= 1000
    assert not list(check_lr_too_low(record))


def test_is_silent_in_a_short_warm_up(training):
    rates = [1e-7 * step for step in range(100)]
    assert not list(check_lr_too_low(training(creeping(100), moves=1e-4, rates=rates)))


def test_does_not_judge_few_steps(training):
    [answer] = check_lr_too_low(training(creeping(20), moves=1e-4))
    assert isinstance(answer, Unchecked)


def test_finds_a_schedule_whose_highest_rate_was_too_low(training):
    rates = [1e-5 * (1 - step / 300) for step in range(300)]
    assert list(check_lr_too_low(training(creeping(), moves=1e-4, rates=rates)))


def test_a_schedule_that_ended_early_is_another_fault(training):
    rates = [1e-2] * 5 + [1e-5] * 295
    moves = [1e-2] * 5 + [1e-4] * 295
    assert not list(check_lr_too_low(training(creeping(), moves=moves, rates=rates)))


def test_what_begins_at_zero_does_not_count(training):
    record = training(creeping(), moves=1e-4, rates=1e-5)
    for place, sample in enumerate(record.samples):
        sample.parameters["head.weight"].weight = 0.0 if place == 0 else 1e-9
    assert list(check_lr_too_low(record))
