"""Targets that a loss is not made for."""

import math
from dataclasses import replace
from typing import Any

import pytest
from _made import UNIT, classes, found, numbers, record, sample

from thalweg.doctor.record import Activation, LossFacts, Moments, Record

SHARES = Moments(0.25, 0.1, 0.05, 0.6)


def compared(*losses: LossFacts) -> Record:
    return record([sample(1, losses=[*losses])])


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


@pytest.mark.parametrize(
    ("kind", "small", "large"),
    [("mse_loss", 0.1, 0.2), ("l1_loss", 0.3, 0.4), ("smooth_l1_loss", 0.05, 0.1)],
)
def test_numbers_that_are_met_may_count_something(kind, small, large):
    for loss, is_fine in ((small, True), (large, False)):
        seen = measured(CLASSES, kind=kind)
        for row in seen.steps:
            row.loss = loss
        assert bool(found("wrong-loss", seen)) is not is_fine
