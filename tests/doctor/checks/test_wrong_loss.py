"""Losses that do not fit what the network gives, or what the targets are."""

from dataclasses import replace
from typing import Any

import pytest
from _made import UNIT, classes, found, operation, over_head, record, sample, unchecked

from thalweg.doctor.record import LossFacts, Moments, Node, Record

SHARES = Moments(0.25, 0.1, 0.05, 0.6)
LOGARITHMS = Moments(-1.4, 0.4, -3.0, -0.1)
TURNED = Moments(1.4, 0.4, 0.1, 3.0)
NLL = operation("NllLoss", reduction=1.0)


def compared(*losses: LossFacts, **facts: Any) -> Record:
    return record([sample(1, losses=[*losses])], **facts)


def likelihood(kind: str = "nll_loss", **facts: Any) -> LossFacts:
    """Return a likelihood of four classes; of log-probabilities where nothing else is given."""
    values = {"output": LOGARITHMS, "rows_sum_to": (-7.0, -5.0), "log_rows_sum_to": (1.0, 1.0)}
    return replace(classes(1.4, **(values | facts)), kind=kind)


PROBABILITIES: dict[str, Any] = {
    "output": SHARES,
    "rows_sum_to": (1.0, 1.0),
    "log_rows_sum_to": (5.1, 5.2),
}
LOGITS: dict[str, Any] = {"output": UNIT, "rows_sum_to": (-4.0, 4.0), "log_rows_sum_to": (2.0, 9.0)}


def test_finds_a_softmax_over_one_output():
    (finding,) = found("wrong-loss", compared(replace(classes(0.0), output_shape=[32, 1])))
    assert (finding.where, finding.severity, finding.confidence) == ("loss", "error", 1.0)
    assert finding.evidence == {"loss": "cross_entropy", "output shape": [32, 1], "value": 0.0}
    assert "binary_cross_entropy_with_logits" in finding.remedy


@pytest.mark.parametrize("name", ["LogSoftmax", "Softmax"])
def test_finds_a_softmax_over_one_output_in_the_graph(name):
    def over(axis: float) -> Record:
        graph = over_head(operation("Mean"), operation(name, [32, 1], dim=axis), outputs=1)
        return record([sample(1, losses=[])], graph=graph)

    (finding,) = found("wrong-loss", over(1.0))
    assert finding.evidence == {"operation": "softmax", "output shape": [32, 1]}
    assert not found("wrong-loss", over(0.0))


def test_cross_entropy_over_several_outputs_is_fine():
    seen = compared(classes())
    assert not (found("wrong-loss", seen) or unchecked("wrong-loss", seen))


@pytest.mark.parametrize("kind", ["nll_loss", "kl_div"])
def test_finds_a_likelihood_of_probabilities(kind):
    (finding,) = found("wrong-loss", compared(likelihood(kind, **PROBABILITIES)))
    assert finding.evidence == {
        "loss": kind,
        "given": "probabilities",
        "exponentials of a row sum to": 5.2,
        "last value": 1.4,
    }
    assert "log_softmax in place of softmax" in finding.remedy


def test_finds_a_likelihood_of_logits():
    (finding,) = found("wrong-loss", compared(likelihood(**LOGITS)))
    assert finding.evidence["given"] == "logits"
    assert "cross_entropy(logits, targets)" in finding.remedy


def test_a_likelihood_of_log_probabilities_is_fine():
    assert not found("wrong-loss", compared(likelihood()))


def test_a_likelihood_of_masked_log_probabilities_is_fine():
    assert not found("wrong-loss", compared(likelihood(log_rows_sum_to=(0.2, 1.0))))


def test_logits_are_fine_under_cross_entropy():
    assert not found("wrong-loss", compared(likelihood("cross_entropy", **LOGITS)))


def test_rows_of_one_with_negative_numbers_are_no_probabilities():
    (finding,) = found(
        "wrong-loss", compared(likelihood("nll_loss", **(PROBABILITIES | {"output": UNIT})))
    )
    assert finding.evidence["given"] == "logits"


def test_shares_that_do_not_add_up_are_no_probabilities():
    loose = PROBABILITIES | {"rows_sum_to": (0.5, 2.0)}
    (finding,) = found("wrong-loss", compared(likelihood("nll_loss", **loose)))
    assert finding.evidence["given"] == "logits"


def test_a_divergence_of_densities_is_fine():
    assert not found("wrong-loss", compared(likelihood("kl_div", **LOGITS)))


def test_a_minus_before_the_likelihood_is_another_fault():
    turned = likelihood(output=TURNED, rows_sum_to=(5.0, 7.0), log_rows_sum_to=(16.0, 18.0))
    minus = operation("NegBackward0", [32, 4])
    logarithm = operation("LogSoftmax", [32, 4], dim=1.0)
    assert not found("wrong-loss", compared(turned, graph=over_head(NLL, minus, logarithm)))
    assert found("wrong-loss", compared(turned, graph=over_head(NLL, minus)))


RAW = (operation("NegBackward0"), operation("MeanBackward0"))
CHOSEN = operation("Gather", [32, 1], dim=1.0)


def by_hand(*operations: Node, losses: tuple[LossFacts, ...] = ()) -> Record:
    return compared(*losses, graph=over_head(*operations))


def test_finds_outputs_of_the_right_classes_without_a_logarithm():
    (finding,) = found("wrong-loss", by_hand(*RAW, CHOSEN))
    assert finding.evidence["operations"] == ["Neg", "Mean", "Gather"]
    assert "log_softmax" in finding.remedy


def test_finds_them_under_a_sum():
    assert found("wrong-loss", by_hand(RAW[0], operation("SumBackward0"), CHOSEN))


def test_finds_them_through_a_scale():
    scale = operation("Div", factors=[[32.0, 32.0]])
    assert found("wrong-loss", by_hand(scale, *RAW, CHOSEN))
    assert not found("wrong-loss", by_hand(operation("Div"), *RAW, CHOSEN))


def test_a_likelihood_by_hand_is_fine():
    logarithm = operation("LogSoftmax", [32, 4], dim=1.0)
    assert not found("wrong-loss", by_hand(*RAW, CHOSEN, logarithm))


def test_a_critic_may_make_its_output_large():
    assert not found("wrong-loss", by_hand(*RAW))


def test_outputs_that_meet_others_are_fine():
    assert not found("wrong-loss", by_hand(*RAW, CHOSEN, operation("Sum", [32], 4, 4)))


def test_a_loss_function_was_called_on_them():
    assert not found("wrong-loss", by_hand(*RAW, CHOSEN, losses=(classes(),)))


def test_no_loss_function_tells_nothing():
    assert unchecked("wrong-loss", record([sample(1, losses=[])]))
    assert unchecked("wrong-loss", record([]))
