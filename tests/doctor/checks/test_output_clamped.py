"""Outputs that cannot go where the targets are."""

import math

import pytest
from _made import classes, found, numbers, operation, over_head, record, sample, unchecked

from thalweg.doctor.record import Moments, Node, Record

NLL = (operation("NllLoss", reduction=1.0), operation("LogSoftmax", [32, 4], dim=1.0))
BINARY = operation("BinaryCrossEntropyWithLogits", reduction=1.0)
SQUARED = operation("MseLoss", reduction=1.0)
WIDE = [-3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0] * 5


def logits(*operations: Node) -> Record:
    return record([sample(1)], graph=over_head(*operations))


def measured(*operations: Node, targets: list[float] = WIDE, kind: str = "mse_loss") -> Record:
    facts = numbers(Moments(0.0, 1.0, min(targets), max(targets)))
    facts.sequence, facts.kind = targets, kind
    return record([sample(1, losses=[facts])], graph=over_head(*operations, outputs=1))


def test_finds_logits_that_cannot_be_negative():
    (finding,) = found("output-clamped", logits(*NLL, operation("Relu", [32, 4], module="last")))
    assert (finding.where, finding.severity) == ("last", "error")
    # Without an upper end the loss may come to nothing, and yet half of the logits are dead.
    assert finding.evidence == {"operation": "relu", "lowest logit": 0.0}
    assert "Remove the relu" in finding.remedy


def test_finds_logits_that_cannot_be_sure():
    (finding,) = found("output-clamped", logits(*NLL, operation("Tanh", [32, 4])))
    assert (finding.where, finding.evidence["highest logit"]) == ("loss", 1.0)
    # One logit at 1 and three at −1.
    rest = -math.log(math.e / (math.e + 3 / math.e))
    assert finding.evidence["smallest possible loss"] == pytest.approx(rest)


def test_finds_answers_of_yes_and_no_that_cannot_be_sure():
    for taker in (BINARY, operation("LogSigmoid", [32])):
        (finding,) = found("output-clamped", logits(taker, operation("Tanh", [32])))
        rest = -math.log(1 / (1 + math.exp(-1)))
        assert finding.evidence["smallest possible loss"] == pytest.approx(rest)
    assert found("output-clamped", logits(BINARY, operation("Relu", [32])))


def test_follows_bounds_through_scales():
    tanh = operation("Tanh", [32, 4])
    wide, narrow = [[10.0, 10.0]], [[0.1, 0.1]]
    assert not found("output-clamped", logits(*NLL, operation("Mul", factors=wide), tanh))
    assert not found("output-clamped", logits(*NLL, operation("Div", factors=narrow), tanh))
    (finding,) = found(
        "output-clamped", logits(*NLL, operation("Div", factors=[[-2.0, -2.0]]), tanh)
    )
    assert finding.evidence["lowest logit"] == -0.5
    assert finding.evidence["highest logit"] == 0.5


@pytest.mark.parametrize(
    "between",
    [
        operation("Mul", factors=[[0.5, 2.0]]),
        operation("Mul"),
        operation("Div", factors=[[2.0, 2.0]], operand=1.0),
        operation("Add"),
        operation("Cat"),
    ],
)
def test_bounds_that_something_else_moves_are_fine(between):
    assert not found("output-clamped", logits(*NLL, between, operation("Tanh", [32, 4])))


def test_follows_bounds_through_other_shapes():
    assert found("output-clamped", logits(*NLL, operation("View"), operation("Tanh", [32, 4])))


def test_bounds_far_out_are_fine():
    far = operation("ClampBackward1", [32, 4], min=-10.0, max=10.0)
    near = operation("ClampBackward1", [32, 4], min=-1.0, max=1.0)
    assert not found("output-clamped", logits(*NLL, far))
    assert found("output-clamped", logits(*NLL, near))
    assert found("output-clamped", logits(*NLL, operation("Hardtanh", [32, 4], min=-1.0, max=1.0)))


@pytest.mark.parametrize("name", ["Sigmoid", "Softmax", "Softplus"])
def test_probabilities_as_logits_have_a_check_of_their_own(name):
    assert not found("output-clamped", logits(*NLL, operation(name, [32, 4])))


def test_a_bound_within_the_network_is_fine():
    assert not found("output-clamped", logits(*NLL))


@pytest.mark.parametrize(
    ("name", "low", "high"),
    [
        ("Tanh", -1.0, 1.0),
        ("Sigmoid", 0.0, 1.0),
        ("Softmax", 0.0, 1.0),
        ("Hardsigmoid", 0.0, 1.0),
        ("Relu", 0.0, None),
        ("Softplus", 0.0, None),
    ],
)
def test_finds_numbers_out_of_reach(name, low, high):
    (finding,) = found("output-clamped", measured(SQUARED, operation(name, [32, 1], module="end")))
    assert finding.where == "end"
    assert finding.evidence["lowest output"] == low
    assert finding.evidence.get("highest output") == high
    assert (finding.evidence["lowest target"], finding.evidence["highest target"]) == (-3.0, 3.0)


def test_tells_how_much_is_out_of_reach():
    (finding,) = found("output-clamped", measured(SQUARED, operation("Tanh", [32, 1])))
    # Four of seven lie outside, by 2, 1, 1 and 2; the squares of all add up to 28.
    assert finding.evidence["targets out of reach"] == pytest.approx(4 / 7)
    assert finding.evidence["share of their variance"] == pytest.approx(10 / 28)


def test_measures_the_targets_from_their_mean():
    # At 4 and 6, by 1 beyond 5: one of a variance of two in all.
    bound = operation("Clamp", [32, 1], min=0.0, max=5.0)
    (finding,) = found("output-clamped", measured(SQUARED, bound, targets=[4.0, 6.0]))
    assert finding.evidence["share of their variance"] == pytest.approx(0.5)


def test_finds_a_bound_on_one_side_only():
    top = operation("ClampMaxBackward0", [32, 1], max=0.0)
    (finding,) = found("output-clamped", measured(SQUARED, top))
    assert finding.evidence["highest output"] == 0.0
    assert "lowest output" not in finding.evidence


@pytest.mark.parametrize("kind", ["mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss", "custom"])
def test_finds_them_under_every_error(kind):
    assert found("output-clamped", measured(SQUARED, operation("Tanh", [32, 1]), kind=kind))


@pytest.mark.parametrize("name", ["SmoothL1Loss", "HuberLoss"])
def test_finds_them_under_every_loss_function(name):
    assert found("output-clamped", measured(operation(name), operation("Tanh", [32, 1])))


@pytest.mark.parametrize("error", [operation("Pow", [32], exponent=2.0), operation("Abs", [32])])
def test_finds_them_under_an_error_by_hand(error):
    sub, mean = operation("Sub", [32]), operation("MeanBackward0")
    assert found("output-clamped", measured(mean, error, sub, operation("Tanh", [32])))
    assert not found("output-clamped", measured(mean, error, sub))


def test_targets_within_reach_are_fine():
    shares = [0.0, 0.25, 0.5, 0.75, 1.0] * 7
    assert not found("output-clamped", measured(SQUARED, operation("Sigmoid"), targets=shares))
    scaled = (operation("Mul", factors=[[4.0, 4.0]]), operation("Tanh", [32, 1]))
    assert not found("output-clamped", measured(SQUARED, *scaled))


def test_few_targets_out_of_reach_are_fine():
    some = [-1.0, 1.0] * 20 + [1.5]
    assert not found("output-clamped", measured(SQUARED, operation("Tanh"), targets=some))


def test_equal_targets_tell_nothing():
    assert not found("output-clamped", measured(SQUARED, operation("Tanh"), targets=[5.0] * 40))


def test_targets_that_were_not_seen_tell_nothing():
    graph = over_head(SQUARED, operation("Tanh", [32, 1]), outputs=1)
    assert not found("output-clamped", record([sample(1, losses=[])], graph=graph))
    # Class numbers belong to another loss of the same step.
    assert not found("output-clamped", record([sample(1, losses=[classes()])], graph=graph))


def test_a_hidden_graph_tells_nothing():
    assert unchecked("output-clamped", record([]))
    assert not unchecked("output-clamped", logits(*NLL))


@pytest.mark.parametrize("name", ["Abs", "Exp", "Elu", "Silu", "Gelu"])
def test_finds_other_operations_that_bound_an_answer_below(name):
    assert found("output-clamped", measured(SQUARED, operation(name, [32, 1])))
    above = [0.0, 1.0, 2.0, 3.0, 4.0] * 7
    assert not found("output-clamped", measured(SQUARED, operation(name, [32, 1]), targets=above))


def test_finds_a_square_that_meets_negative_targets():
    assert found("output-clamped", measured(SQUARED, operation("Pow", [32, 1], exponent=2.0)))
    assert not found("output-clamped", measured(SQUARED, operation("Pow", [32, 1], exponent=3.0)))
