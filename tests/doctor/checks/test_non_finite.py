"""NaN and infinity: given, or made."""

import math

from _made import UNIT, found, inputs, record, sample

from thalweg.doctor.record import FirstNonFinite, Moments, Motion

SPOILT = [1.0] * 10 + [math.nan] * 30


def test_names_inputs_that_are_not_finite():
    seen = record([], SPOILT, first_nonfinite=FirstNonFinite(11, "input", "input"))
    (finding,) = found("nan-input", seen)
    assert finding.where == "inputs"
    assert not found("non-finite", seen)


def test_names_the_rows_that_a_sample_saw():
    wrong = Moments(0.0, 1.0, -3.0, 3.0, nonfinite=2)
    seen = record([sample(11, inputs=[inputs([1.0], wrong, nonfinite_rows=[3])])], SPOILT)
    (finding,) = found("nan-input", seen)
    assert finding.evidence["rows of that batch"] == [3]


def test_gaps_that_the_network_fills_are_fine():
    wrong = Moments(0.0, 1.0, -3.0, 3.0, nonfinite=2)
    seen = record([sample(11, inputs=[inputs([1.0], wrong, nonfinite_rows=[3])])])
    assert not found("nan-input", seen)


def test_names_the_module_that_made_nan():
    seen = record([], SPOILT, first_nonfinite=FirstNonFinite(11, "forward", "norm"))
    (finding,) = found("non-finite", seen)
    assert finding.where == "norm"
    assert not found("nan-input", seen)


def test_names_a_gradient_that_overflows():
    motion = Motion(weight=0.1, gradient=math.inf, update=math.nan, nonfinite=4)
    seen = record([sample(10, parameters={"first.weight": motion})], SPOILT)
    (finding,) = found("non-finite", seen)
    assert (finding.where, finding.evidence["first seen in"]) == ("first.weight", "the gradient")


def test_a_loss_that_ran_away_is_less_sure():
    rising = [10.0**step for step in range(10)] + [math.inf] * 10
    seen = record([], rising, first_nonfinite=FirstNonFinite(11, "forward", "head"))
    (finding,) = found("non-finite", seen)
    assert finding.confidence < 0.9


def test_one_lost_step_is_fine():
    seen = record([sample(1, inputs=[inputs([1.0], UNIT)])], [1.0] * 10 + [math.inf] + [1.0] * 30)
    assert not found("non-finite", seen)
