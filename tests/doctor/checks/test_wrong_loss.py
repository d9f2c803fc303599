"""Losses that do not fit what the network gives, or what the targets are."""

import math
from dataclasses import replace
from typing import Any

import pytest
from _made import UNIT, classes, found, numbers, operation, over_head, record, sample, unchecked

from thalweg.doctor.record import Activation, LossFacts, Moments, Node, Record

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


PROBABILITIES = {"output": SHARES, "rows_sum_to": (1.0, 1.0), "log_rows_sum_to": (5.1, 5.2)}
LOGITS = {"output": UNIT, "rows_sum_to": (-4.0, 4.0), "log_rows_sum_to": (2.0, 9.0)}


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


def binary(
    target: Moments, classes: int = 1, kind: str = "binary_cross_entropy_with_logits", **facts: Any
) -> LossFacts:
    shape = [32, classes]
    return LossFacts(kind, "mean", 0.5, shape, shape, "float32", UNIT, target, **facts)


@pytest.mark.parametrize("kind", ["binary_cross_entropy", "binary_cross_entropy_with_logits"])
@pytest.mark.parametrize("low, high", [(0.0, 2.0), (-1.0, 1.0)])
def test_finds_answers_that_are_neither_yes_nor_no(kind, low, high):
    (finding,) = found("wrong-loss", compared(binary(Moments(0.5, 1.0, low, high), kind=kind)))
    assert finding.evidence == {"loss": kind, "lowest target": low, "highest target": high}


def test_chances_are_fine_as_answers():
    assert not found("wrong-loss", compared(binary(Moments(0.5, 0.5, -0.001, 1.001))))


def test_finds_several_right_classes_under_cross_entropy():
    some = replace(classes(), target=SHARES, target_type="float32", target_rows_sum_to=(0.0, 3.0))
    (finding,) = found("wrong-loss", compared(some))
    assert finding.evidence["targets of a row sum to"] == [0.0, 3.0]
    assert "binary_cross_entropy_with_logits" in finding.remedy


def test_smoothed_classes_are_fine_under_cross_entropy():
    soft = replace(classes(), target=SHARES, target_type="float32", target_rows_sum_to=(1.0, 1.0))
    assert not found("wrong-loss", compared(soft))


TENTH = Moments(0.1, 0.3, 0.0, 1.0)
ENTROPY = -0.1 * math.log(0.1) - 0.9 * math.log(0.9)
ONE_OF_TEN = {"target_rows_sum_to": (1.0, 1.0), "target_values": [0.0, 1.0]}
STUCK = [0.8 * ENTROPY] * 100


def asked(losses: list[float] = STUCK, classes: int = 10, **facts: Any) -> Record:
    some = binary(TENTH, classes, **(ONE_OF_TEN | facts))
    return record([sample(1, losses=[some])], losses)


def test_finds_a_yes_or_no_per_class_that_drowns_the_right_one():
    (finding,) = found("wrong-loss", asked())
    assert (finding.evidence["classes"], finding.evidence["right ones per example"]) == (10, 1)
    assert finding.evidence["share of a guess's loss that is left"] == pytest.approx(0.8)
    assert "cross_entropy(logits, class_numbers)" in finding.remedy


def test_a_yes_or_no_per_class_that_is_learned_is_fine():
    assert not found("wrong-loss", asked([0.3 * ENTROPY] * 100))


def test_few_classes_cannot_drown_one():
    assert not found("wrong-loss", asked(classes=4))


def test_several_right_classes_ask_for_a_yes_or_no_each():
    assert not found("wrong-loss", asked(target_rows_sum_to=(0.0, 3.0)))
    assert not found("wrong-loss", asked(target_values=[0.0, 0.2, 0.8]))


def test_a_dead_layer_is_another_fault():
    seen = asked()
    seen.samples[0].activations = [Activation("relu", "first", 1.0, 0.0, 8, 7)]
    assert found("wrong-loss", seen)
    seen.samples[0].activations[0].dead = 8
    assert not found("wrong-loss", seen)


def measured(targets: list[float], *others: LossFacts, **facts: Any) -> Record:
    some = replace(numbers(UNIT), sequence=targets, **facts)
    return compared(some, *others)


CLASSES = [0.0, 1.0, 2.0] * 80


@pytest.mark.parametrize("kind", ["mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss", "custom"])
def test_finds_class_numbers_taken_for_measurements(kind):
    (finding,) = found("wrong-loss", measured(CLASSES, kind=kind))
    assert (finding.evidence["loss"], finding.evidence["classes"]) == (kind, 3)
    assert "3 outputs" in finding.remedy


def test_names_the_form_of_a_loss_by_hand():
    (finding,) = found("wrong-loss", measured(CLASSES, kind="custom", form="squared error"))
    assert finding.evidence["loss"] == "squared error"


@pytest.mark.parametrize(
    "targets",
    [
        [0.0, 0.5, 1.0, 2.0] * 60,  # Measured.
        [0.0] * 20 + [1.0] * 200 + [2.0] * 40,  # Counts of something pile up.
        [0.0, 1.0] * 120,  # Brier's score.
        [1.0, 2.0, 3.0] * 80,
        [float(each) for each in range(101)] * 3,
        CLASSES[:199],
    ],
)
def test_measurements_are_fine(targets):
    assert not found("wrong-loss", measured(targets))


def test_several_measurements_at_once_are_fine():
    assert not found("wrong-loss", measured(CLASSES, output_shape=[32, 3]))


def test_measurements_beside_classes_are_fine():
    assert not found("wrong-loss", measured(CLASSES, classes()))


def test_no_loss_function_tells_nothing():
    assert unchecked("wrong-loss", record([sample(1, losses=[])]))
    assert unchecked("wrong-loss", record([]))
