import math

from thalweg.doctor.checks._check import Unchecked
from thalweg.doctor.checks.dynamics._plateau import check_plateau


def flat(level, count=200):
    return [level * (1 + 0.02 * math.sin(1.7 * step)) for step in range(count)]


def test_finds_a_loss_that_stays_at_a_guess(training):
    [finding] = check_plateau(training(flat(2.3)))
    assert (finding.fault, finding.severity) == ("plateau", "warning")


def test_is_silent_where_the_loss_has_converged(training):
    assert not list(check_plateau(training([*flat(2.3, 50), *flat(0.8, 200)])))


def test_is_silent_where_the_loss_still_falls(training):
    assert not list(check_plateau(training([2.6 - 0.002 * step for step in range(200)])))


def test_is_silent_about_a_network_that_was_trained_before(training):
    assert not list(check_plateau(training(flat(0.3))))


def test_leaves_a_bottleneck_to_another_check(training):
    assert not list(check_plateau(training(flat(2.3), width=1)))


def test_does_not_judge_losses_below_zero(training):
    [answer] = check_plateau(training([-1.0] * 200))
    assert isinstance(answer, Unchecked)
