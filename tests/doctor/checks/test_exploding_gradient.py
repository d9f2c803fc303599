"""Gradients that grow in time, or in a steep loss."""

import math

import pytest
from _made import classes, falling, found, motion, tower, unchecked

from thalweg.doctor.record import Node

JUMP = [1.0] * 50 + [5.0] + [1.0] * 49
EXP = [Node("Exp", [], [32, 1])]


def recurrent(*stakes, losses=None, kind="RNN", family="recurrent", **facts):
    moved = {"cell": [motion(each) for each in stakes]}
    return tower(moved, losses, kind=kind, family=family, **facts)


def used(times):
    """Return a graph in which a weight is used so often."""
    products = [Node("Mm", [times + 1], [32, 8]) for _ in range(times)]
    leaf = Node("Parameter", [], [8, 8], parameter="cell.weight")
    return [Node("Sum", [*range(1, times + 1)], []), *products, leaf]


def steep(*sizes, losses=None, graph=EXP, update=0.014):
    """Return a record of gradients so long, in a loss with an exponential."""
    moved = {"first": [motion(0.35 * 8 * each, update=update) for each in sizes]}
    return tower(moved, JUMP if losses is None else losses, graph=graph)


def test_finds_what_explodes_from_the_first_step():
    (finding,) = found("exploding-gradient", recurrent(50, 20, 20, 20, 20))
    assert (finding.where, finding.confidence) == ("cell.weight", 0.95)
    assert finding.evidence["times the first loss at stake in a weight"] == pytest.approx(50)
    assert finding.evidence["in the first steps"] == pytest.approx(50)


def test_what_explodes_later_may_be_the_rates_fault():
    (finding,) = found("exploding-gradient", recurrent(1, 1, 1, 12, 12))
    assert finding.confidence == 0.7
    (finding,) = found("exploding-gradient", recurrent(1, 1, 12, 1, 1))
    assert finding.confidence == 0.95


def test_gradients_of_usual_size_are_fine():
    assert not found("exploding-gradient", recurrent(9, 9, 9, 9, 9))


def test_a_large_gradient_of_a_layer_that_is_used_once_is_another_matter():
    assert not found("exploding-gradient", recurrent(50, 50, 50, 50, family="linear"))
    # Cells tell nothing of how often they are called.
    assert not found("exploding-gradient", recurrent(50, 50, 50, 50, kind="RNNCell"))


def test_finds_weights_that_a_loop_uses_again_and_again():
    times = {"kind": "RNNCell", "graph": used(8)}
    (finding,) = found("exploding-gradient", recurrent(50, 50, 50, 50, **times))
    assert finding.where == "cell.weight"
    assert not found("exploding-gradient", recurrent(50, 50, 50, 50, kind="RNNCell", graph=used(7)))


def test_large_gradients_of_a_network_that_learns_are_fine():
    assert not found("exploding-gradient", recurrent(50, 50, 50, 50, losses=falling(last=0.2)))
    assert found("exploding-gradient", recurrent(50, 50, 50, 50, losses=falling(last=0.4)))


def test_finds_a_network_that_learns_but_was_thrown_back():
    losses = falling(last=0.1)
    losses[50] = 8.0
    assert not found("exploding-gradient", recurrent(50, 50, 50, 50, losses=losses))
    losses[50] = 12.0
    assert found("exploding-gradient", recurrent(50, 50, 50, 50, losses=losses))


@pytest.mark.parametrize("gradient", [math.nan, math.inf])
def test_leaves_gradients_that_are_not_finite_to_their_own_check(gradient):
    assert not found("exploding-gradient", recurrent(1, 1, 1, gradient))


def test_finds_a_steep_loss_before_any_step_was_long():
    (finding,) = found("exploding-gradient", steep(1, 1, 2, 2, 10))
    assert (finding.where, finding.confidence) == ("loss", 0.95)
    assert finding.evidence["gradient at first"] == pytest.approx(2)
    assert finding.evidence["gradient later"] == pytest.approx(10)
    assert finding.evidence["gradient by sample"] == pytest.approx([1, 1, 2, 2, 10])


def test_after_long_steps_a_steep_loss_may_be_the_rates_fault():
    (finding,) = found("exploding-gradient", steep(1, 1, 2, 2, 10, update=0.02))
    assert finding.confidence == 0.7
    # Too few steps were seen before.
    (finding,) = found("exploding-gradient", steep(1, 1, 2, 10, 10))
    assert finding.confidence == 0.7


def test_finds_a_steep_loss_whose_gradient_overflows():
    (finding,) = found("exploding-gradient", steep(1, 1, 2, 2, math.inf))
    assert finding.evidence["gradient later"] == pytest.approx(2)


def test_a_loss_of_bounded_slope_is_fine():
    assert not found("exploding-gradient", steep(1, 1, 2, 2, 10, graph=[Node("Pow", [], [])]))


def test_a_gradient_that_stays_as_it_was_is_fine():
    assert not found("exploding-gradient", steep(1, 1, 2, 2, 5))


def test_a_gradient_that_was_zero_at_first_has_no_size_to_grow_from():
    assert not found("exploding-gradient", steep(0, 0, 0, 0, 10))


def test_a_loss_that_stays_where_it_was_is_fine():
    assert not found("exploding-gradient", steep(1, 1, 2, 2, 10, losses=[1.0] * 50 + [3.0] * 50))


def test_losses_of_torch_are_not_steep():
    seen = steep(1, 1, 2, 2, 10)
    seen.samples[0].losses = [classes(form="squared error")]
    assert found("exploding-gradient", seen)
    seen.samples[0].losses = [classes()]
    assert not found("exploding-gradient", seen)


def test_few_close_looks_tell_nothing():
    assert unchecked("exploding-gradient", recurrent(50, 50, 50))
    assert unchecked("exploding-gradient", recurrent(50, 50, 50, 50, losses=[]))


def test_a_loss_that_crosses_zero_is_no_measure():
    losses = [0.01] + [-1.0, 2.0] * 50
    assert not found("exploding-gradient", recurrent(50, 20, 20, 20, 20, losses=losses))
    assert not found("exploding-gradient", steep(1, 1, 1, 9, 9, losses=losses))
    losses[60] = 30.0
    assert found("exploding-gradient", steep(1, 1, 1, 9, 9, losses=losses))
