"""Networks that begin sure of wrong answers."""

import math
from typing import Any

import pytest
from _made import UNIT, classes, found, inputs, numbers, record, sample, unchecked

from thalweg.doctor.record import (
    Activity,
    LossFacts,
    ModuleFacts,
    Moments,
    Motion,
    OptimizerFacts,
    ParameterFacts,
    Record,
)

SURE = 4 * math.log(4)
LEARNED = [SURE * 0.9**step for step in range(100)]
LARGE = Moments(0.0, 8.0, -24.0, 24.0)


def begun(facts: LossFacts, losses: list[float] | None = None, **seen: Any) -> Record:
    return record([sample(1, losses=[facts], **seen)], losses or [facts.value] * 100)


def judged(facts: LossFacts) -> bool:
    return not unchecked("initial-loss", begun(facts))


def test_finds_a_first_loss_of_four_guesses():
    facts = classes(SURE, output=Moments(0.5, 7.0, -20.0, 20.0))
    (finding,) = found("initial-loss", begun(facts))
    assert (finding.where, finding.severity) == ("loss", "error")
    assert finding.evidence["first loss"] == SURE
    assert finding.evidence["times the loss of a guess"] == pytest.approx(4.0)
    assert finding.evidence["mean of the first outputs"] == 0.5
    assert finding.evidence["deviation of the first outputs"] == 7.0


def test_costs_only_time_where_training_gets_over_it():
    (finding,) = found("initial-loss", begun(classes(SURE), LEARNED))
    assert finding.severity == "warning"


def test_a_first_loss_of_two_guesses_is_fine():
    seen = begun(classes(2 * math.log(4)))
    assert not (found("initial-loss", seen) or unchecked("initial-loss", seen))


def test_finds_it_under_nll_loss():
    facts = classes(SURE)
    facts.kind = "nll_loss"
    assert found("initial-loss", begun(facts))


@pytest.mark.parametrize("kind", ["binary_cross_entropy_with_logits", "binary_cross_entropy"])
def test_finds_sure_answers_of_yes_and_no(kind):
    sure = LossFacts(kind, "mean", 4 * math.log(2), [32], [32], "float32", LARGE, UNIT)
    (finding,) = found("initial-loss", begun(sure))
    assert finding.evidence["times the loss of a guess"] == pytest.approx(4.0)
    guess = LossFacts(kind, "mean", 2 * math.log(2), [32], [32], "float32", UNIT, UNIT)
    assert not found("initial-loss", begun(guess))


@pytest.mark.parametrize("kind, form", [("mse_loss", ""), ("custom", "squared error")])
def test_finds_numbers_far_from_the_targets(kind, form):
    facts = numbers(UNIT, LARGE, value=65.0)
    facts.kind, facts.form = kind, form
    (finding,) = found("initial-loss", begun(facts))
    # A variance of 64 and one of 1, next to that of the targets.
    assert finding.evidence["times the loss of a guess"] == pytest.approx(65.0)


def test_finds_numbers_that_begin_off_the_targets_mean():
    (finding,) = found("initial-loss", begun(numbers(UNIT, Moments(3.0, 0.0, 3.0, 3.0), 10.0)))
    assert finding.evidence["times the loss of a guess"] == pytest.approx(10.0)


def test_measures_numbers_by_the_targets_mean_and_deviation():
    targets, outputs = Moments(2.0, 1.0, -1.0, 5.0), Moments(-3.0, 0.0, -3.0, -3.0)
    (finding,) = found("initial-loss", begun(numbers(targets, outputs, 26.0)))
    # Off by five, next to two, with a variance of one on both sides.
    assert finding.evidence["times the loss of a guess"] == pytest.approx(26 / 5)


def test_small_targets_are_a_matter_of_their_scale():
    assert not found("initial-loss", begun(numbers(Moments(0.0, 0.01, -0.03, 0.03))))


def test_targets_far_from_zero_are_no_matter_of_the_outputs():
    assert not found("initial-loss", begun(numbers(Moments(50.0, 5.0, 30.0, 70.0), LARGE, 2500.0)))


def test_large_inputs_are_at_fault_themselves():
    large = inputs([1.0], Moments(100.0, 50.0, 0.0, 255.0))
    assert not found("initial-loss", begun(classes(SURE), inputs=[large], modules={}))


def test_numbers_of_tokens_are_not_large_inputs():
    tokens = inputs([1.0], Moments(100.0, 50.0, 0.0, 255.0))
    tokens.type = "int64"
    assert found("initial-loss", begun(classes(SURE), inputs=[tokens], modules={}))


def in_the_middle(weight: float, order: int = 1) -> Record:
    """Return a record whose last layer is given a signal of 8."""
    seen = begun(
        classes(SURE),
        modules={"first": Activity(True, UNIT, LARGE), "head": Activity(True, LARGE, LARGE)},
        parameters={"first.weight": Motion(weight, 0.1, 0.01, 0)},
    )
    seen.modules["head"] = ModuleFacts("Linear", "linear", ["head.weight"], True, order=order)
    return seen


def test_a_large_signal_from_elsewhere_is_another_fault():
    # A weight of 0.3 keeps the scale of ten inputs.
    assert not found("initial-loss", in_the_middle(0.3))


def test_a_large_signal_that_the_weights_make_is_this_fault():
    assert found("initial-loss", in_the_middle(1.0))


@pytest.mark.parametrize(("weight", "is_fault"), [(0.3, False), (1.0, True)])
def test_what_frozen_layers_give_is_no_fault_of_a_usual_head(weight, is_fault):
    seen = begun(
        classes(SURE),
        modules={"head": Activity(True, UNIT, LARGE)},
        parameters={
            "frozen.weight": Motion(9.0, 0.0, 0.0, 0),
            "head.weight": Motion(weight, 1, 1, 0),
        },
    )
    seen.modules = {
        "frozen": ModuleFacts("Linear", "linear", ["frozen.weight"], False, order=0),
        "head": ModuleFacts("Linear", "linear", ["head.weight"], True, order=1),
    }
    seen.parameters = {
        "frozen.weight": ParameterFacts([10, 10], False, None, fan_in=10),
        "head.weight": ParameterFacts([4, 10], True, 0, fan_in=10),
    }
    assert bool(found("initial-loss", seen)) is is_fault


def test_only_what_comes_into_the_last_layer_counts():
    assert found("initial-loss", in_the_middle(0.3, order=-1))


def test_a_resumed_training_is_not_judged():
    seen = begun(classes(SURE))
    seen.optimizers = [OptimizerFacts("SGD", {"lr": 1e-3}, has_state=True)]
    assert unchecked("initial-loss", seen) and not found("initial-loss", seen)


def test_a_loss_without_a_known_guess_is_not_judged():
    assert judged(classes(SURE))
    weighted, summed, negative = classes(SURE), classes(SURE), classes(-SURE)
    weighted.is_weighted, summed.reduction = True, "sum"
    alone = classes(SURE)
    alone.output_shape = [32, 1]
    absolute = numbers(UNIT, LARGE)
    absolute.kind = "l1_loss"
    uneven, unseen = numbers(UNIT, LARGE), numbers(UNIT, LARGE)
    unseen.target = None
    uneven.target_shape = [32]
    zeros = numbers(Moments(0.0, 0.0, 0.0, 0.0), LARGE)
    for facts in (weighted, summed, negative, alone, absolute, uneven, unseen, zeros):
        assert not judged(facts), facts


def test_only_a_first_step_with_one_loss_is_judged():
    late = record([sample(3, losses=[classes(SURE)])])
    several = record([sample(1, losses=[classes(SURE), classes(SURE)])])
    many = record([sample(1, losses=[classes(SURE)], inputs=[inputs([1.0])] * 5)])
    for seen in (record([]), late, several, many):
        assert unchecked("initial-loss", seen) and not found("initial-loss", seen)
