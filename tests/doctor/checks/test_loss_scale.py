"""Sums over the batch under a rate that was made for their mean."""

import math
from typing import Any

import pytest
from _made import classes, found, inputs, notes, operation, over_head, record, sample, unchecked

from thalweg.doctor.record import Node, OptimizerFacts, Record

MEAN, SUM = 1.0, 2.0
STUCK = [2.0] * 40
FALLING = [2 * 0.9**step for step in range(40)]


def nll(reduction: float) -> tuple[Node, Node]:
    return (
        operation("NllLoss", reduction=reduction),
        operation("LogSoftmax", [32, 4], dim=1.0),
    )


def trained(*operations: Node, losses: list[float] = STUCK, **facts: Any) -> Record:
    return record([sample(1)], losses, graph=over_head(*operations), **facts)


def test_finds_a_sum_that_training_does_not_bear():
    (finding,) = found("loss-scale", trained(*nll(SUM)))
    assert (finding.where, finding.severity) == ("loss", "error")
    assert finding.evidence == {
        "examples in a batch": 32,
        "batches in a step": 1,
        "times larger than the mean": 32.0,
        "learning rate": 1e-3,
        "first loss": 2.0,
        "last loss": 2.0,
    }
    assert 'reduction="mean"' in finding.remedy


def test_finds_a_sum_of_squares_by_hand():
    square, difference = operation("Pow", [32], exponent=2.0), operation("Sub", [32])
    assert found("loss-scale", trained(operation("SumBackward0"), square, difference))
    assert not found("loss-scale", trained(operation("MeanBackward0"), square, difference))


def test_finds_a_mean_that_is_multiplied_by_the_batch():
    factor = operation("Mul", factors=[[32.0, 32.0]])
    (finding,) = found("loss-scale", trained(factor, *nll(MEAN)))
    assert finding.evidence["times larger than the mean"] == 32.0


def test_a_mean_is_fine():
    seen = trained(*nll(MEAN))
    assert not (found("loss-scale", seen) or notes("loss-scale", seen))
    assert not unchecked("loss-scale", seen)


def test_a_sum_that_is_divided_by_the_batch_is_fine():
    assert not found("loss-scale", trained(operation("Div", factors=[[32.0, 32.0]]), *nll(SUM)))


def test_the_scale_of_mixed_precision_is_taken_out_again():
    factor = operation("Mul", factors=[[65536.0, 65536.0]])
    assert not found("loss-scale", trained(factor, *nll(MEAN)))


def test_a_sum_that_training_bears_is_fine():
    assert not found("loss-scale", trained(*nll(SUM), losses=FALLING))


def test_finds_a_sum_that_shoots_up_before_it_falls():
    assert found("loss-scale", trained(*nll(SUM), losses=[2.0, 5.0, *FALLING[1:]]))


def test_a_sum_that_rises_little_before_it_falls_is_fine():
    assert not found("loss-scale", trained(*nll(SUM), losses=[2.0, 3.0, *FALLING[1:]]))


def test_a_sum_that_ends_at_half_of_its_first_value_is_fine():
    assert not found("loss-scale", trained(*nll(SUM), losses=[2.0] + [1.0] * 39))


def test_finds_a_sum_that_overflows():
    assert found("loss-scale", trained(*nll(SUM), losses=[*FALLING, math.nan]))


def test_adam_does_not_mind():
    seen = trained(*nll(SUM), optimizers=[OptimizerFacts("Adam", {"lr": 1e-3})])
    assert not found("loss-scale", seen)
    (note,) = notes("loss-scale", seen)
    assert "32 examples" in note and "Adam" in note


def test_few_steps_or_examples_tell_nothing():
    assert not found("loss-scale", trained(*nll(SUM), losses=STUCK[:7]))
    few = inputs([1.0])
    few.shape = [3, 10]
    seen = record([sample(1, inputs=[few])], STUCK, graph=over_head(*nll(SUM)))
    assert not found("loss-scale", seen)
    assert not (found("loss-scale", record([])) or unchecked("loss-scale", record([])))


def test_examples_are_counted_in_the_outputs_where_no_input_was_seen():
    seen = record([sample(1, inputs=[])], STUCK, graph=over_head(*nll(SUM)))
    (finding,) = found("loss-scale", seen)
    assert finding.evidence["examples in a batch"] == 32


@pytest.mark.parametrize("graph", [[], over_head(operation("MeanBackward0"))])
def test_finds_it_by_value_where_the_graph_shows_no_term(graph):
    facts = classes(2.0)
    facts.reduction = "sum"
    seen = record([sample(1, losses=[facts])], STUCK, graph=graph)
    (finding,) = found("loss-scale", seen)
    assert finding.evidence["times larger than the mean"] == 32.0
    seen.steps[0].root = 2 / 32
    assert not (found("loss-scale", seen) or unchecked("loss-scale", seen))


def test_a_loss_that_is_no_known_sum_cannot_be_judged_by_value():
    facts, zero = classes(1.0), classes(0.0)
    zero.reduction = "sum"
    for losses in ([], [facts], [zero], [zero, zero]):
        seen = record([sample(1, losses=losses)], STUCK)
        assert unchecked("loss-scale", seen) and not found("loss-scale", seen)


def test_finds_batches_that_are_gathered_and_never_divided():
    seen = trained(*nll(MEAN))
    assert not found("loss-scale", seen)
    for each in seen.steps:
        each.own_backwards = each.forwards = 16
    (finding,) = found("loss-scale", seen)
    assert finding.evidence["batches in a step"] == 16
    assert finding.evidence["times larger than the mean"] == 16.0
    assert "(loss / 16)" in finding.remedy


def test_gathered_batches_that_are_divided_are_fine():
    seen = trained(operation("Div", factors=[[16.0, 16.0]]), *nll(MEAN))
    for each in seen.steps:
        each.own_backwards = each.forwards = 16
    assert not found("loss-scale", seen)


def test_several_backward_passes_of_one_forward_pass_gather_no_batches():
    seen = trained(*nll(MEAN))
    for each in seen.steps:
        each.own_backwards = 16
    assert not found("loss-scale", seen)
