"""Probabilities where the loss wants logits."""

import pytest
from _made import classes, found, notes, operation, over_head, record, sample, unchecked

from thalweg.doctor.record import LossFacts, Moments, Node, Record

LOSS = operation("NllLoss", reduction=1.0)
TAKER = operation("LogSoftmax", [32, 4], dim=1.0)
SHARES = Moments(0.25, 0.05, 0.1, 0.4)


def graph(*operations: Node) -> Record:
    return record([sample(1)], graph=over_head(*operations))


def hidden(*losses: LossFacts) -> Record:
    """Return a record with the graph inside compiled code."""
    return record([sample(step + 1, losses=[each]) for step, each in enumerate(losses)])


def binary(output: Moments) -> LossFacts:
    kind = "binary_cross_entropy_with_logits"
    return LossFacts(kind, "mean", 0.7, [32], [32], "float32", output)


def test_finds_a_softmax_before_cross_entropy():
    softmax = operation("Softmax", [32, 4], module="answer", dim=1.0)
    (finding,) = found("double-softmax", graph(LOSS, TAKER, softmax))
    assert (finding.where, finding.severity) == ("answer", "error")
    assert finding.evidence == {"the network ends in": "softmax", "the loss takes": "log-softmax"}
    assert "cross_entropy contains it" in finding.remedy


@pytest.mark.parametrize(
    "taker",
    ["BinaryCrossEntropyWithLogits", "SoftMarginLoss", "LogSigmoid", "Logsumexp", "Softmax",
     "Sigmoid"],
)  # fmt: skip
@pytest.mark.parametrize("giver", ["Softmax", "Sigmoid", "LogSigmoid"])
def test_finds_every_pair_of_them(taker, giver):
    seen = graph(operation("MeanBackward0"), operation(taker, [32]), operation(giver, [32]))
    (finding,) = found("double-softmax", seen)
    assert finding.where == "loss"


def test_finds_it_through_bounds_and_other_shapes():
    softmax = operation("Softmax", [32, 4], dim=1.0)
    for name in ("Clamp", "ClampMin", "ClampMax", "Neg", "MaskedFill", "View"):
        between = operation(f"{name}Backward0", [32, 4])
        assert found("double-softmax", graph(LOSS, TAKER, between, softmax)), name


def test_finds_exponentials_of_a_log_softmax():
    share = operation("LogSoftmax", [32, 4], dim=1.0)
    (finding,) = found("double-softmax", graph(LOSS, TAKER, operation("Exp", [32, 4]), share))
    assert finding.evidence["the network ends in"] == "softmax"


def test_finds_log_probabilities_taken_for_binary_logits():
    taker = operation("BinaryCrossEntropyWithLogits", reduction=1.0)
    (finding,) = found("double-softmax", graph(taker, operation("LogSoftmax", [32, 4], dim=1.0)))
    assert finding.evidence["the network ends in"] == "log-softmax"


@pytest.mark.parametrize("last", ["Exp", "Tanh", "Add"])
def test_other_operations_give_no_probabilities(last):
    assert not found("double-softmax", graph(LOSS, TAKER, operation(last, [32, 4])))


def test_logits_are_fine():
    seen = graph(LOSS, TAKER)
    assert not (found("double-softmax", seen) or notes("double-softmax", seen))
    assert not unchecked("double-softmax", seen)


def test_what_goes_on_within_the_network_is_fine():
    graph = over_head(LOSS, TAKER)
    gate = len(graph)
    graph[4].inputs = [gate]
    graph += [
        operation("Sigmoid", [32, 8], gate + 1),
        operation("Softmax", [32, 8], dim=1.0),
    ]
    assert not found("double-softmax", record([sample(1)], graph=graph))


def test_a_log_softmax_taken_twice_is_only_a_note():
    seen = graph(LOSS, TAKER, operation("LogSoftmax", [32, 4], dim=1.0))
    assert not found("double-softmax", seen)
    (note,) = notes("double-softmax", seen)
    assert "drop one" in note


@pytest.mark.parametrize("taker", ["LogSoftmax", "Softmax", "Logsumexp"])
def test_a_note_needs_no_axis(taker):
    seen = graph(LOSS, operation(taker), operation("LogSoftmax", [32, 4], dim=1.0))
    assert notes("double-softmax", seen) and not found("double-softmax", seen)


def test_log_softmaxes_over_different_axes_are_no_repetition():
    seen = graph(LOSS, TAKER, operation("LogSoftmax", [32, 4], dim=0.0))
    assert not (found("double-softmax", seen) or notes("double-softmax", seen))


def test_finds_rows_of_one_where_the_graph_is_hidden():
    facts = classes(rows_sum_to=(0.9999, 1.0001), output=SHARES)
    (finding,) = found("double-softmax", hidden(facts, facts, facts))
    assert (finding.where, finding.evidence["the network ends in"]) == ("loss", "softmax")


@pytest.mark.parametrize(
    ("sums", "output"), [((0.7, 1.4), SHARES), ((1.0, 1.0), Moments(0.25, 1.0, -2.0, 2.0))]
)
def test_logits_are_fine_where_the_graph_is_hidden(sums, output):
    facts = classes(rows_sum_to=sums, output=output)
    seen = hidden(facts, facts, facts)
    assert not (found("double-softmax", seen) or unchecked("double-softmax", seen))


def test_two_samples_may_sum_to_one_by_chance():
    facts = classes(rows_sum_to=(1.0, 1.0), output=SHARES)
    assert not found("double-softmax", hidden(facts, facts))


def test_finds_binary_logits_that_are_shares_where_the_graph_is_hidden():
    (finding,) = found("double-softmax", hidden(*[binary(Moments(0.5, 0.1, 0.2, 0.8))] * 3))
    assert finding.evidence["the network ends in"] == "sigmoid"
    assert finding.confidence < 0.97


@pytest.mark.parametrize("low, high", [(-0.2, 0.8), (0.2, 1.8)])
def test_binary_logits_outside_are_fine_where_the_graph_is_hidden(low, high):
    facts = binary(Moments(0.5, 0.1, low, high))
    assert not found("double-softmax", hidden(facts, facts, facts))
    assert not unchecked("double-softmax", hidden(facts, facts, facts))


def test_a_hidden_graph_without_such_a_loss_tells_nothing():
    assert unchecked("double-softmax", record([sample(1, losses=[])]))
