import math

import pytest

from thalweg.doctor._finding import Finding
from thalweg.doctor.checks._check import Unchecked
from thalweg.doctor.checks.step_size._lr_too_high import check_lr_too_high
from thalweg.train import Config

GUESS = math.log(10)


def wave(count, level, height=0.02):
    """Ups and downs that repeat in no rhythm of stretches."""
    return [level * (1 + height * math.sin(1.7 * step)) for step in range(count)]


def learning(count=200):
    return [0.1 + 2.2 * math.exp(-6 * step / count) for step in range(count)]


def test_finds_a_loss_that_runs_away(training):
    [finding] = check_lr_too_high(training([2.3 * 1.3**step for step in range(40)], moves=0.3))
    assert (finding.fault, finding.severity) == ("lr-too-high", "error")


def test_finds_an_overflow_within_few_steps(training):
    [finding] = check_lr_too_high(training([2.3, 80.0, 1e9, math.nan, math.nan], moves=1.0))
    assert finding.evidence["losses lost to overflow"] == 2


def test_finds_first_steps_that_overwrite_the_weights(training):
    losses = [2.3, 9.0, 12.0, 8.0, 6.0, *wave(195, GUESS / 2)]
    [finding] = check_lr_too_high(training(losses, moves=[1.5] * 5 + [0.01] * 195))
    assert finding.evidence["early step as share of the weights"] == pytest.approx(1.5)


def test_a_rough_start_is_excused_by_what_follows(training):
    losses = [2.3, 9.0, 12.0, *learning(197)]
    assert not list(check_lr_too_high(training(losses, moves=[1.5] * 3 + [0.01] * 197)))


def test_finds_validation_that_bounces(training):
    validation = [1.5, 1.1, 1.6, 1.2, 1.7, 1.1, 1.6, 1.2]
    [finding] = check_lr_too_high(training(wave(200, 1.4, 0.3), 0.08, 0.1, validation))
    assert finding.evidence["jump of validation from pass to pass"] > 0.2
    calm = [1.41, 1.4, 1.39, 1.4, 1.41, 1.4, 1.4, 1.4]
    assert not list(check_lr_too_high(training(wave(200, 1.4, 0.3), 0.08, 0.1, calm)))


def test_finds_what_was_learned_and_lost_again(training):
    losses = [*learning(100), *wave(100, 2.4)]
    [finding] = check_lr_too_high(training(losses, moves=[0.15] * 105 + [1e-4] * 95))
    assert finding.fault == "lr-too-high"
    assert not list(check_lr_too_high(training(losses, moves=1e-3)))


def test_is_silent_when_training_learns(training):
    assert not list(check_lr_too_high(training(learning())))


def test_leaves_gradients_that_explode_before_any_step(training):
    record = training([2.3 * 1.3**step for step in range(40)], moves=0.3, gradient=0.2)
    record.modules["first"].family = "recurrent"
    assert not list(check_lr_too_high(record))


def test_does_not_judge_adversaries(training):
    record = training(learning())
    record.steps[3].optimizer = 1
    [answer] = check_lr_too_high(record)
    assert isinstance(answer, Unchecked)


def test_does_not_judge_what_it_cannot_see(training):
    record = training(learning())
    record.samples.clear()
    [answer] = check_lr_too_high(record)
    assert isinstance(answer, Unchecked)


def test_the_remedy_lowers_the_rate(training):
    [finding] = check_lr_too_high(training([2.3 * 1.3**step for step in range(40)], 0.3, 0.5))
    assert isinstance(finding, Finding)
    assert finding.remedy.change is not None
    assert finding.remedy.change(Config(learning_rate=0.5)) == {"learning_rate": 0.05}


def test_a_loss_that_rose_under_short_steps_and_fell_since_is_fine(training):
    losses = [0.3, 1.0, 2.0, 2.5, *[0.6 + 2.0 * math.exp(-step / 40) for step in range(196)]]
    assert not list(check_lr_too_high(training(losses, moves=0.07)))
    assert list(check_lr_too_high(training(losses, moves=0.6)))


def test_does_not_judge_games_that_grow_longer(training):
    record = training([2.3 + 0.1 * step for step in range(200)], moves=0.1)
    assert [each.fault for each in check_lr_too_high(record)] == ["lr-too-high"]
    for row in record.steps:
        row.forwards = 10 + row.step // 4
    [answer] = check_lr_too_high(record)
    assert isinstance(answer, Unchecked)


def test_finds_a_network_that_was_thrown_out_and_never_learned(training):
    losses = [2.3, *wave(30, 2.7), *wave(169, 2.31)]
    assert list(check_lr_too_high(training(losses, moves=[0.3] * 5 + [1e-4] * 195)))


def test_long_first_steps_without_a_rise_are_fine(training):
    losses = [2.3, *wave(199, 2.29)]
    assert not list(check_lr_too_high(training(losses, moves=[0.3] * 5 + [1e-4] * 195)))


def test_weights_that_have_shrunk_count_as_they_began(training):
    record = training(wave(200, 2.29), moves=0.01)
    for sample in record.samples[2:]:
        for motion in sample.parameters.values():
            motion.weight /= 50
    assert not list(check_lr_too_high(record))
