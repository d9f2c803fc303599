"""Inputs and the unit scale that weights are made for."""

import pytest
from _made import UNIT, found, inputs, record, sample

from thalweg.doctor.record import Activity, ModuleFacts, Moments

BYTES = Moments(75.0, 94.0, 0.0, 255.0)


@pytest.mark.parametrize(
    "moments", [BYTES, Moments(0.0, 1e-5, -4e-5, 4e-5), Moments(285.0, 5.0, 270.0, 300.0)]
)
def test_finds_inputs_far_from_unit_scale(moments):
    seen = record([sample(step, inputs=[inputs([1.0], moments)]) for step in (1, 2, 3)])
    (finding,) = found("input-scale", seen)
    assert finding.severity == "error"


def test_names_the_column_that_drowns_the_others():
    columns = [(0.0, 1.0)] * 9 + [(2000.0, 10.0)]
    moments = Moments(5.0, 8.0, -3.0, 30.0)
    seen = record(
        [sample(step, inputs=[inputs([1.0], moments, columns=columns)]) for step in (1, 2)]
    )
    (finding,) = found("input-scale", seen)
    assert finding.where == "input column 9"


def test_standardized_inputs_are_fine():
    assert not found("input-scale", record([sample(1), sample(2)]))


def test_a_network_that_normalizes_is_fine():
    modules = {
        "norm": ModuleFacts("BatchNorm1d", "batch norm", ["norm.weight"], True, order=0),
        "first": ModuleFacts("Linear", "linear", ["first.weight"], True, order=1),
    }
    did = {"norm": Activity(True, BYTES, UNIT), "first": Activity(True, UNIT, UNIT)}
    seen = record([sample(1, inputs=[inputs([1.0], BYTES)], modules=did)], modules=modules)
    assert not found("input-scale", seen)


def test_scaling_in_the_network_is_fine():
    did = {"first": Activity(True, UNIT, UNIT)}
    seen = record([sample(1, inputs=[inputs([1.0], BYTES)], modules=did)])
    assert not found("input-scale", seen)


def test_a_constant_column_is_not_far_from_zero():
    columns = [(-0.003, 1e-7)] * 7 + [(0.0, 1.0)] * 3
    seen = record([sample(step, inputs=[inputs([1.0], columns=columns)]) for step in (1, 2)])
    assert not found("input-scale", seen)
