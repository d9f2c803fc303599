"""Losses that are made large instead of small."""

import pytest
from _made import found, operation, over_head, record, unchecked

from thalweg.doctor.record import Node, OptimizerFacts, Record

NLL = (operation("NllLoss", reduction=1.0), operation("LogSoftmax", [32, 4], dim=1.0))
MEAN, MINUS = operation("MeanBackward0"), operation("NegBackward0")
SQUARED = (operation("Pow", [32], exponent=2.0), operation("Sub", [32]))
CHOSEN = (operation("Gather", [32, 1], dim=1.0), operation("LogSoftmax", [32, 4], dim=1.0))


def minimized(*operations: Node, maximize: bool = False) -> Record:
    return record(
        [],
        [3.0, 2.0, 1.0],
        graph=over_head(*operations),
        optimizers=[OptimizerFacts("SGD", {"lr": 1e-3, "maximize": maximize})],
    )


def test_finds_cross_entropy_with_a_minus():
    (finding,) = found("negated-loss", minimized(MINUS, *NLL))
    assert (finding.where, finding.severity) == ("loss", "error")
    assert finding.evidence == {
        "minimized": "log-likelihood",
        "first loss": 3.0,
        "last loss": 1.0,
    }
    assert "loss = -loss" in finding.remedy


def test_finds_a_minus_before_nll_loss():
    (finding,) = found("negated-loss", minimized(NLL[0], MINUS, NLL[1]))
    assert finding.evidence["minimized"] == "log-likelihood"


def test_finds_errors_that_are_maximized():
    (finding,) = found("negated-loss", minimized(MINUS, MEAN, *SQUARED))
    assert finding.evidence["maximized"] == "Pow"
    # Of what is no logarithm, only the name tells.
    (finding,) = found("negated-loss", minimized(MINUS, NLL[0]))
    assert finding.evidence["maximized"] == "NllLoss"
    (finding,) = found("negated-loss", minimized(MINUS, operation("MseLoss", reduction=1.0)))
    assert finding.evidence["maximized"] == "MseLoss"


def test_finds_a_loss_that_is_multiplied_by_less_than_zero():
    assert found("negated-loss", minimized(operation("Mul", factors=[[-0.5, -0.5]]), *NLL))
    assert not found("negated-loss", minimized(operation("Mul", factors=[[0.5, 0.5]]), *NLL))


def test_finds_a_loss_that_is_taken_from_something():
    taken = operation("Sub", [], 1, operand=1.0)
    assert found("negated-loss", minimized(taken, *NLL))
    assert not found("negated-loss", minimized(operation("Sub"), *NLL))


def test_finds_a_likelihood_by_hand_that_is_minimized():
    (finding,) = found("negated-loss", minimized(MEAN, *CHOSEN))
    assert finding.evidence["minimized"] == "LogSoftmax"
    assert not found("negated-loss", minimized(MINUS, MEAN, *CHOSEN))


def test_finds_a_similarity_that_is_minimized():
    cosine = (
        operation("Sum", [32]),
        operation("Mul", [32, 4], factors=[[-3.0, 3.0]], constant=[32, 4]),
        operation("Div", [32, 4], 5, 4),
        operation("LinalgVectorNorm", [32, 1], 5),
    )
    assert found("negated-loss", minimized(MEAN, *cosine))
    assert not found("negated-loss", minimized(MINUS, MEAN, *cosine))


@pytest.mark.parametrize(
    "loss",
    [
        NLL,
        (MINUS, MINUS, *NLL),
        (NLL[0], MINUS, MINUS, NLL[1]),
        (MINUS, NLL[0], MINUS, NLL[1]),
        (MEAN, *SQUARED),
        (operation("MseLoss", reduction=1.0),),
    ],
)
def test_a_loss_the_right_way_round_is_fine(loss):
    seen = minimized(*loss)
    assert not (found("negated-loss", seen) or unchecked("negated-loss", seen))


def test_an_output_made_small_or_large_is_no_evidence():
    assert not found("negated-loss", minimized(MINUS, MEAN))
    assert not found("negated-loss", minimized(MEAN))


def test_a_part_that_works_against_the_rest_is_fine():
    parts = (operation("MseLoss", [], 3, reduction=1.0), operation("HuberLoss", [], 3))
    assert not found("negated-loss", minimized(operation("Sub", [], 1, 2), *parts))
    assert not found("negated-loss", minimized(operation("Rsub", [], 1, 2), *parts))


def test_finds_a_sum_of_which_all_parts_are_turned():
    parts = (operation("MseLoss", [], 4, reduction=1.0), operation("HuberLoss", [], 4))
    (finding,) = found("negated-loss", minimized(MINUS, operation("Add", [], 2, 3), *parts))
    assert finding.evidence["maximized"] == "HuberLoss, MseLoss"


def test_finds_an_optimizer_that_maximizes_a_loss():
    (finding,) = found("negated-loss", minimized(*NLL, maximize=True))
    assert finding.where == "loop"
    assert finding.evidence["maximize of the optimizer"] is True
    assert "maximize=True" in finding.remedy


def test_an_optimizer_that_maximizes_a_likelihood_is_fine():
    assert not found("negated-loss", minimized(MINUS, *NLL, maximize=True))


def test_finds_it_where_no_optimizer_is_known():
    seen = minimized(MINUS, *NLL)
    seen.optimizers = []
    assert found("negated-loss", seen)


def test_several_optimizers_may_want_opposite_things():
    seen = minimized(MINUS, *NLL)
    seen.optimizers *= 2
    assert unchecked("negated-loss", seen) and not found("negated-loss", seen)


def test_a_hidden_graph_tells_nothing():
    assert unchecked("negated-loss", record([]))


SHARE = [
    operation("Mean", None, 1),
    operation("Log", [32], 2),
    operation("Div", [32], 3, 4),
    operation("DiagonalBackward0_copy", [32], 5),
    operation("Sum", [32], 5),
    operation("Exp", [32, 32], 6),
    operation("Addmm", [32, 32], 7),
    operation("Parameter", [32, 8], parameter="head.weight"),
]


def by_hand(graph: list[Node]) -> Record:
    return record([], [3.0, 2.0, 1.0], graph=graph, optimizers=[OptimizerFacts("SGD", {})])


def test_finds_a_softmax_by_hand_that_is_made_small():
    assert found("negated-loss", by_hand(SHARE))
    graph = [*SHARE]
    graph[0] = operation("Neg", None, 1)
    assert not found("negated-loss", by_hand(graph))
    # Of two exponentials that have nothing to do with each other, the ratio is no chance.
    graph = [*SHARE]
    graph[4] = operation("Sum", [32], 6)
    assert not found("negated-loss", by_hand(graph))


def test_finds_a_log_softmax_by_hand_that_is_made_small():
    graph = [
        operation("Mean", None, 1),
        operation("Sub", [32, 4], 4, 2),
        operation("Log", [32, 1], 3),
        operation("Sum", [32, 1], 5),
        operation("Addmm", [32, 4], 6),
        operation("Exp", [32, 4], 4),
        operation("Parameter", [4, 8], parameter="head.weight"),
    ]
    assert found("negated-loss", by_hand(graph))
    graph[5].inputs = [6]
    assert not found("negated-loss", by_hand(graph))


def test_rewards_of_both_signs_leave_the_sign_open():
    seen = minimized(MEAN, operation("Mul", [32, 1], factors=[[-1.0, 1.0]]), *CHOSEN)
    assert not found("negated-loss", seen)
    assert unchecked("negated-loss", seen)
