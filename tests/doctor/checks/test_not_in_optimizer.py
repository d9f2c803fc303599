import pytest

from thalweg.doctor.checks._check import Note, Unchecked
from thalweg.doctor.checks.wiring._not_in_optimizer import check_not_in_optimizer
from thalweg.doctor.record import Motion, ParameterFacts


def left_out(loop, *parts, fresh=True):
    record = loop()
    for part in parts:
        facts = record.parameters[f"{part}.weight"]
        facts.optimizer, facts.moved, facts.is_fresh = None, False, fresh
    return record


def test_finds_a_part_that_no_optimizer_owns(loop):
    [finding] = check_not_in_optimizer(left_out(loop, "head"))
    assert (finding.where, finding.severity) == ("head", "error")


def test_finds_an_optimizer_of_another_network(loop):
    [finding] = check_not_in_optimizer(left_out(loop, "trunk", "head"))
    assert finding.where == "optimizer"


def test_finds_parameters_that_the_network_does_not_list(loop):
    record = loop()
    record.strangers = [ParameterFacts([8, 8], True, None, 1, 1, moved=False, is_fresh=True)]
    [finding] = check_not_in_optimizer(record)
    assert finding.evidence["shapes"] == "8 x 8"


def test_finds_what_was_thawed_and_not_given_to_the_optimizer(loop):
    record = left_out(loop, "trunk", fresh=False)
    record.parameters["trunk.weight"].is_trainable = False
    [finding] = check_not_in_optimizer(record)
    assert finding.where == "trunk"


def test_only_notes_a_pretrained_part_that_was_left_out(loop):
    [answer] = check_not_in_optimizer(left_out(loop, "trunk", fresh=False))
    assert isinstance(answer, Note)


@pytest.mark.parametrize("moved", [True, None])
def test_is_silent_where_others_may_move_the_part(loop, moved):
    record = left_out(loop, "head")
    record.parameters["head.weight"].moved = moved
    assert not list(check_not_in_optimizer(record))


def test_is_silent_where_the_loss_does_not_depend_on_the_part(loop):
    record = left_out(loop, "head")
    record.parameters["head.weight"].reached = 0
    assert not list(check_not_in_optimizer(record))


def test_is_silent_where_an_input_is_trained_through_a_network(loop):
    record = left_out(loop, "trunk", "head")
    for sample in record.samples:
        sample.parameters["? 0"] = Motion(1.0, 0.1, 0.01, 0)
    assert not list(check_not_in_optimizer(record))


def test_is_silent_beside(loop):
    assert not list(check_not_in_optimizer(loop()))


def test_does_not_judge_three_steps(loop):
    [answer] = check_not_in_optimizer(loop(steps=3))
    assert isinstance(answer, Unchecked)
