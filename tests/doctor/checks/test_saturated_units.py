"""Sigmoids and tanhs without a slope."""

import pytest
from _made import falling, found, record, sample, unchecked

from thalweg.doctor.record import Activation, ModuleFacts

LAYERS = {
    "": ModuleFacts("Net", "container", [], True, order=3),
    "first": ModuleFacts("Linear", "linear", ["first.weight"], True, order=0),
    "second": ModuleFacts("Linear", "linear", ["second.weight"], True, order=1),
    "head": ModuleFacts("Linear", "linear", ["head.weight"], True, order=2),
}
STUCK = [0.9] * 5


def layer(at_bound, kind="tanh", module="first", units=8):
    return Activation(kind, module, 0.0, at_bound, units, 0)


def watched(*series, losses=None, **facts):
    samples = [
        sample(step + 1, activations=[layer(each, **facts) for each in seen], losses=[])
        for step, seen in enumerate(zip(*series, strict=True))
    ]
    return record(samples, losses, modules=LAYERS)


def test_finds_a_layer_that_starts_and_stays_at_its_bounds():
    (finding,) = found("saturated-units", watched([0.95, 0.8, 0.8, 0.8, 0.8]))
    assert (finding.where, finding.severity) == ("first", "error")
    assert finding.evidence == {
        "activation": "tanh",
        "share at a bound at first": 0.95,
        "share at a bound later": 0.8,
    }


def test_it_is_an_error_where_most_of_the_loss_stays():
    (finding,) = found("saturated-units", watched(STUCK, losses=falling(last=0.6)))
    assert finding.severity == "error"


@pytest.mark.parametrize("last", [0.2, 0.4])
def test_it_costs_time_where_the_loss_falls_nevertheless(last):
    (finding,) = found("saturated-units", watched(STUCK, losses=falling(last=last)))
    assert finding.severity == "warning"


def test_saturation_that_nobody_misses_is_fine():
    assert not found("saturated-units", watched(STUCK, losses=falling(last=0.1)))


def test_units_that_became_sure_are_fine():
    assert not found("saturated-units", watched([0.1, 0.9, 0.9, 0.9, 0.9]))


def test_units_that_came_free_are_fine():
    assert not found("saturated-units", watched([0.9, 0.9, 0.3, 0.3, 0.3]))


def test_gates_that_spend_half_of_their_time_at_a_bound_are_fine():
    assert not found("saturated-units", watched([0.6] * 5))


def test_the_uses_of_a_layer_count_together():
    assert not found("saturated-units", watched(STUCK, [0.2] * 5))
    (finding,) = found("saturated-units", watched(STUCK, [0.8] * 5))
    assert round(finding.evidence["share at a bound later"], 6) == 0.85


def test_names_the_layer_that_is_stuck_most():
    seen = watched([0.8] * 5)
    for each in seen.samples:
        each.activations.append(layer(0.95, "sigmoid", "second"))
    (finding,) = found("saturated-units", seen)
    assert (finding.where, finding.evidence["activation"]) == ("second", "sigmoid")


def test_rectifiers_have_no_such_bounds():
    assert not found("saturated-units", watched(STUCK, kind="relu"))


def test_an_answer_may_be_sure():
    assert not found("saturated-units", watched(STUCK, module="head"))
    assert not found("saturated-units", watched(STUCK, module=""))
    assert not found("saturated-units", watched(STUCK, units=1))
    assert found("saturated-units", watched(STUCK, units=2))


def test_a_layer_that_is_seldom_used_is_not_judged():
    seen = watched(STUCK)
    for each in seen.samples[:2]:
        each.activations = []
    assert not found("saturated-units", seen)


def test_few_close_looks_tell_nothing():
    assert unchecked("saturated-units", watched([0.9] * 3))
