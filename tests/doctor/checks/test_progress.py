import math
import random

import pytest

from thalweg.doctor.checks.reading import _progress


def falling(count=200, first=2.3, last=0.1, noise=0.05):
    draw = random.Random(0)
    return [
        last + (first - last) * math.exp(-5 * step / count) + draw.gauss(0, noise)
        for step in range(count)
    ]


def flat(count=200, level=2.3, noise=0.05):
    draw = random.Random(1)
    return [level + draw.gauss(0, noise) for _ in range(count)]


def test_losses_leaves_out_what_is_not_finite(training):
    record = training([2.0, math.nan, 1.0, math.inf])
    assert _progress.losses(record) == [2.0, 1.0]


def test_losses_of_another_optimizer_are_its_own(training):
    record = training([2.0, 1.0])
    record.steps[1].optimizer = 1
    assert _progress.losses(record, 1) == [1.0]
    assert _progress.losses(record, None) == [2.0, 1.0]


def test_fell_is_the_share_that_is_gone(training):
    assert _progress.fell(training(falling())) == pytest.approx(0.95, abs=0.05)


def test_fell_is_negative_where_the_loss_rose(training):
    assert _progress.fell(training([1.0, 2.0, 3.0, 4.0])) == -0.75


def test_fell_knows_losses_below_zero():
    assert _progress.share_gone([-1.0, -2.0, -3.0, -4.0]) == 0.75


def test_trend_of_noise_is_insignificant():
    assert abs(_progress.slope_and_noise(flat()).significance) < 3


def test_noise_is_found_beneath_a_trend():
    assert _progress.slope_and_noise(falling()).noise == pytest.approx(0.05, rel=0.3)


def test_a_spike_does_not_make_a_trend():
    assert abs(_progress.slope_and_noise([*flat(), 1000.0]).significance) < 3


def test_a_short_series_has_no_trend():
    assert _progress.slope_and_noise([3.0, 2.0, 1.0]).significance == 0


def test_a_guess_among_ten_classes_loses_the_logarithm_of_ten(training):
    assert _progress.uninformed(training(flat())) == pytest.approx(math.log(10))


def test_the_guess_of_a_weighted_loss_is_unknown(training):
    record = training(flat())
    record.samples[0].losses[0].is_weighted = True
    assert _progress.uninformed(record) is None


@pytest.mark.parametrize("count", [20, 100, 1000])
def test_a_falling_loss_is_learning_and_a_flat_one_not(training, count):
    assert _progress.is_learning(training(falling(count)))
    assert not _progress.is_learning(training(flat(count)))


def test_to_fall_to_a_guess_is_no_learning(training):
    assert not _progress.is_learning(training(falling(first=9.0, last=2.3)))


def test_validation_must_follow(training):
    assert _progress.is_learning(training(falling(), validation=[1.5, 1.0, 0.5]))
    assert not _progress.is_learning(training(falling(), validation=[2.3, 2.5, 2.4]))
