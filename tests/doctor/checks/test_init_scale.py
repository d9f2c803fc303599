"""First weights, next to what their inputs need."""

import pytest
from _made import classes, falling, found, motion, record, sample, tower, unchecked

from thalweg.doctor.record import OptimizerFacts


def begun(*gains, stake: float | None = 0.1, losses=None, steps=(1,), **facts):
    """Return a record of layers a, b, … that amplify so much at first."""
    moved = {
        "abcdefgh"[place]: [motion(stake, gain / 8**0.5)]
        if gain
        else [motion(None, 0.0, gradient_rows_equal=True)]
        for place, gain in enumerate(gains)
    }
    return tower(moved, losses, steps=steps, **facts)


def test_finds_networks_that_begin_too_large():
    (finding,) = found("init-scale", begun(3.5, 20, 1))
    assert finding.where == "b.weight"
    assert finding.evidence["weights too large"] == 2
    assert finding.evidence["gain by weight"] == {"a.weight": 3.5, "b.weight": 20.0}


def test_usual_weights_are_fine():
    assert not found("init-scale", begun(1.7, 2.9))
    assert not found("init-scale", begun(0.31, 0.5, stake=1e-5))


def test_large_weights_of_a_network_that_learns_are_fine():
    assert not found("init-scale", begun(10, 10, losses=falling()))


def test_finds_large_weights_whose_first_answers_were_far_off():
    seen = begun(10, 10, losses=falling(20.0))
    seen.samples[0].losses = [classes(5.0)]
    (finding,) = found("init-scale", seen)
    assert finding.evidence["loss of a guess, times"] > 3
    seen.samples[0].losses = [classes(4.0)]
    assert not found("init-scale", seen)


def test_one_large_matrix_or_a_few_among_many_are_fine():
    assert not found("init-scale", begun(10, 1))
    assert not found("init-scale", begun(10, 10, 1, 1, 1))


def test_finds_one_large_matrix_that_is_used_again_and_again():
    (finding,) = found("init-scale", begun(1, 10, 1, family="recurrent", kind="RNN"))
    assert (finding.where, finding.evidence["weights too large"]) == ("b.weight", 1)
    seen = begun(20, 10, 1, 1, 1)
    seen.modules["b"].kind, seen.modules["b"].family = "GRU", "recurrent"
    (finding,) = found("init-scale", seen)
    assert (finding.where, finding.evidence["weights too large"]) == ("b.weight", 1)
    learning = begun(1, 10, 1, family="recurrent", kind="RNN", losses=falling())
    assert not found("init-scale", learning)


def test_finds_networks_that_begin_too_small_for_any_signal():
    (finding,) = found("init-scale", begun(0.25, 0.05, 1, stake=8e-4))
    assert finding.where == "b.weight"
    assert finding.evidence["weights too small"] == 2


def test_small_weights_with_a_signal_are_fine():
    assert not found("init-scale", begun(0.1, 0.05, 1, stake=1.2e-3))


def test_small_weights_that_no_gradient_comes_to_are_another_matter():
    assert not found("init-scale", begun(0.1, 0.05, 1, stake=None))


def test_small_weights_of_a_network_that_learns_are_fine():
    assert not found("init-scale", begun(0.1, 0.05, 1, stake=1e-5, losses=falling()))


def test_one_small_matrix_or_a_few_among_many_are_fine():
    assert not found("init-scale", begun(0.1, 1, stake=1e-5))
    assert not found("init-scale", begun(0.1, 0.1, 1, 1, 1, stake=1e-5))


def test_a_head_of_zeros_is_no_small_weight():
    assert not found("init-scale", begun(0.1, 1, 0, stake=1e-5))


def test_embeddings_have_no_gain():
    assert not found("init-scale", begun(10, 10, family="embedding"))


def test_vectors_have_no_gain():
    seen = begun(10, 10)
    for facts in seen.parameters.values():
        facts.shape = [8]
    assert not found("init-scale", seen)


def test_frozen_weights_are_left_alone():
    seen = begun(10, 10)
    for facts in seen.parameters.values():
        facts.is_trainable = False
    assert not found("init-scale", seen)


@pytest.mark.parametrize("is_by_hand", [False, True])
def test_weights_made_by_hand_may_lie_the_other_way_round(is_by_hand):
    seen = begun(1, 1)
    for facts in seen.parameters.values():
        facts.shape, facts.fan_in = [8, 800], 800
    if is_by_hand:
        seen.modules = {}
    assert bool(found("init-scale", seen)) is not is_by_hand


def test_without_the_first_step_it_is_not_known():
    assert unchecked("init-scale", begun(10, 10, steps=(3,)))
    assert unchecked("init-scale", record([sample(1)]))
    assert unchecked("init-scale", begun(10, 10, losses=[]))
    resumed = [OptimizerFacts("Adam", {"lr": 1e-3}, has_state=True)]
    assert unchecked("init-scale", begun(10, 10, optimizers=resumed))
