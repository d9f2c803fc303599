"""Targets and what a fresh network answers."""

from _made import UNIT, found, numbers, record, sample, unchecked

from thalweg.doctor.record import Moments

EURO = Moments(3e5, 1e5, 1e4, 9e5)


def of(target, output, value):
    return record([sample(step, losses=[numbers(target, output, value)]) for step in range(1, 9)])


def test_finds_targets_that_the_output_cannot_reach_in_time():
    (finding,) = found("target-scale", of(EURO, UNIT, 1e11))
    assert finding.evidence["mean of targets"] == 3e5


def test_finds_targets_smaller_than_the_jitter():
    (finding,) = found("target-scale", of(Moments(0.0, 1e-4, -4e-4, 4e-4), UNIT, 1e-4))
    assert finding.severity == "error"


def test_standardized_targets_are_fine():
    assert not found("target-scale", of(UNIT, UNIT, 2.0))


def test_large_targets_that_are_learned_are_fine():
    assert not found("target-scale", of(EURO, EURO, 1e8))


def test_few_losses_tell_nothing():
    assert unchecked("target-scale", record([sample(1, losses=[numbers(EURO)])]))
