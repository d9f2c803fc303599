import math

from thalweg.doctor.checks._check import Unchecked
from thalweg.doctor.checks.step_size._lr_decayed_early import check_lr_decayed_early


def stopped(at, count=300):
    return [2.3 - 0.01 * min(step, at) + 0.02 * math.sin(1.7 * step) for step in range(count)]


def cosine(length, count=300):
    return [0.05 * (1 + math.cos(math.pi * min(1, step / length))) for step in range(count)]


def test_finds_a_schedule_of_one_epoch_in_ten(training):
    [finding] = check_lr_decayed_early(training(stopped(30), rates=cosine(30)))
    assert finding.evidence["step at which the schedule had ended"] < 30


def test_is_silent_where_the_schedule_lasts(training):
    assert not list(check_lr_decayed_early(training(stopped(30), rates=cosine(300))))


def test_is_silent_where_the_loss_is_low_by_then(training):
    losses = [0.1 + 2.2 * math.exp(-step / 10) for step in range(300)]
    assert not list(check_lr_decayed_early(training(losses, rates=cosine(60))))


def test_is_silent_where_the_loss_was_flat_before(training):
    assert not list(check_lr_decayed_early(training(stopped(0), rates=cosine(110))))


def test_does_not_judge_few_steps(training):
    [answer] = check_lr_decayed_early(training(stopped(3, 20), rates=cosine(3, 20)))
    assert isinstance(answer, Unchecked)
