"""Gradients that do not reach the early layers, or the early times."""

import pytest
from _made import falling, found, motion, numbers, record, sample, tower, unchecked

from thalweg.doctor.record import ModuleFacts, Moments

FADED = [1e-4, 1e-4, 1e-3, 1e-2, 0.1, 0.1]
WEAK = [1e-3, 1e-3, 2e-3, 4e-3, 6e-3, 6e-3]
HALF = falling(last=0.6)


def deep(*stakes, losses=None, **facts):
    """Return a record of layers in a row with so much at stake, the same in all samples."""
    moved = {f"layer{place}": [motion(each)] * 5 for place, each in enumerate(stakes)}
    return tower(moved, losses, **facts)


def test_finds_early_layers_that_get_next_to_nothing_of_the_gradient():
    (finding,) = found("vanishing-gradient", deep(*FADED))
    assert finding.where == "layer0.weight"
    assert finding.evidence["share of the loss that depends on early weights"] == pytest.approx(
        1e-4
    )
    assert finding.evidence["on late weights"] == pytest.approx(0.1)


def test_layers_that_share_the_gradient_are_fine():
    assert not found("vanishing-gradient", deep(*[0.1] * 6))
    assert not found("vanishing-gradient", deep(1.2e-3, 1e-3, 1e-2, 1e-2, 0.1, 0.1, losses=HALF))
    assert found("vanishing-gradient", deep(8e-4, 8e-4, 1e-2, 1e-2, 0.1, 0.1, losses=HALF))


def test_early_layers_with_something_at_stake_are_fine():
    assert not found("vanishing-gradient", deep(0.03, 0.03, 1, 1, 10, 10))
    assert found("vanishing-gradient", deep(0.015, 0.015, 1, 1, 10, 10))


def test_early_layers_that_had_something_at_stake_at_first_are_fine():
    seen = deep(*FADED)
    seen.samples[0].parameters["layer0.weight"] = motion(0.03)
    assert not found("vanishing-gradient", seen)


def test_small_gradients_of_a_network_that_learns_are_fine():
    assert not found("vanishing-gradient", deep(*FADED, losses=falling(last=0.3)))


def test_where_nothing_is_learned_a_smaller_gap_tells():
    assert found("vanishing-gradient", deep(*WEAK))
    assert not found("vanishing-gradient", deep(*WEAK, losses=HALF))


def test_where_nothing_is_learned_early_layers_may_still_have_something_at_stake():
    assert found("vanishing-gradient", deep(4e-3, 4e-3, 1e-2, 1e-2, 0.05, 0.05))
    assert not found("vanishing-gradient", deep(6e-3, 6e-3, 1e-2, 1e-2, 0.05, 0.05))


def test_a_small_gap_is_none():
    assert not found("vanishing-gradient", deep(1e-3, 1e-3, 2e-3, 2e-3, 4e-3, 4e-3))


def test_finds_answers_that_are_no_better_than_a_constant_for_each_output():
    seen = deep(*WEAK, losses=falling(10.0, 1.0))
    for each in seen.samples:
        each.losses = [numbers(Moments(0.0, 3.0, -9.0, 9.0))]
    assert not found("vanishing-gradient", seen)
    for each in seen.samples:
        each.losses[0].target_variance = 1.0
    assert found("vanishing-gradient", seen)
    for each in seen.samples:
        each.losses[0].target_variance = 2.0
    assert not found("vanishing-gradient", seen)


def test_a_gradient_that_is_zero_is_cut_and_has_not_faded():
    assert not found("vanishing-gradient", deep(0.0, *FADED[1:]))


def test_a_few_layers_are_not_deep():
    assert found("vanishing-gradient", deep(1e-4, 1e-4, 0.1, 0.1))
    assert not found("vanishing-gradient", deep(1e-4, 1e-4, 0.1))


def test_embeddings_get_a_small_gradient_by_their_nature():
    seen = deep(*FADED)
    for name in ("layer0", "layer1", "layer2"):
        seen.modules[name].family = "embedding"
    assert not found("vanishing-gradient", seen)


def through_time(share, losses=None):
    modules = {
        "words": ModuleFacts("Embedding", "embedding", [], True, order=0),
        "memory": ModuleFacts("RNN", "recurrent", [], True, order=1),
    }
    samples = [sample(step, losses=[]) for step in range(1, 6)]
    return record(samples, losses, modules=modules, trials={"vanishing-gradient": share})


def test_finds_a_past_that_is_forgotten():
    (finding,) = found("vanishing-gradient", through_time(8e-5))
    assert finding.where == "memory"
    assert finding.evidence["gradient at the first times as share of the last"] == 8e-5


def test_a_past_that_is_remembered_is_fine():
    assert not found("vanishing-gradient", through_time(1.2e-3))


def test_a_past_that_nobody_misses_is_fine():
    assert not found("vanishing-gradient", through_time(1e-6, falling(last=0.8)))


def test_few_close_looks_tell_nothing():
    assert unchecked("vanishing-gradient", record([sample(step) for step in (1, 2, 3)]))
    assert unchecked("vanishing-gradient", deep(*FADED, losses=[]))
