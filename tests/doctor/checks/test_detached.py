import pytest

from thalweg.doctor.checks._check import Note, Unchecked
from thalweg.doctor.checks.wiring._detached import check_detached
from thalweg.doctor.checks.wiring._unused_module import check_unused_module
from thalweg.doctor.record import Evaluation, ModuleFacts, Motion, Node


def rounded(loop, name):
    """A loss above a head, above an operation, above a trunk."""
    record = loop()
    record.graph = [
        Node("Addmm", [1, 2], [4]),
        Node("Parameter", [], [8, 8], parameter="head.weight"),
        Node(name, [3], [4]),
        Node("Parameter", [], [8, 8], parameter="trunk.weight"),
    ]
    for sample in record.samples:
        sample.parameters["trunk.weight"] = Motion(0.3, 0.0, 0.0, 0)
    return record


def test_finds_a_called_part_that_no_loss_depends_on(loop, cut):
    [finding] = check_detached(cut(loop(), "trunk", called=True))
    assert finding.where == "trunk"
    assert not list(check_unused_module(cut(loop(), "trunk", called=True)))


def test_finds_a_part_that_is_called_without_gradients(loop, cut):
    record = cut(loop(), "trunk", called=False)
    record.modules["trunk"].quiet_calls = 9
    [finding] = check_detached(record)
    assert finding.where == "trunk"


def test_finds_a_network_that_is_only_called_without_gradients(loop, cut):
    record = cut(loop(), "trunk", called=False)
    del record.modules[""]
    record.modules["trunk"] = ModuleFacts("Net", "other", ["trunk.weight"], True)
    record.evaluations = [Evaluation(1, forwards=1)]
    [finding] = check_detached(record)
    assert finding.where == "trunk"


def test_finds_a_loss_that_depends_on_nothing(loop, cut):
    record = cut(cut(loop(), "trunk", called=True), "head", called=True)
    record.leaf_losses = 9
    [finding] = check_detached(record)
    assert finding.where == "loss"


@pytest.mark.parametrize("name", ["Round", "Sign"])
def test_finds_a_part_behind_an_operation_without_slope(loop, name):
    [finding] = check_detached(rounded(loop, name))
    assert (finding.where, finding.evidence["behind"]) == ("trunk", name.lower())


def test_is_silent_about_gradients_of_zero_behind_other_operations(loop):
    assert not list(check_detached(rounded(loop, "Relu")))


def test_only_notes_a_pretrained_part(loop, cut):
    [answer] = check_detached(cut(loop(), "trunk", called=True, fresh=False))
    assert isinstance(answer, Note)


def test_is_silent_where_an_average_moves_the_part(loop, cut):
    record = cut(loop(), "trunk", called=True)
    record.parameters["trunk.weight"].moved = True
    assert not list(check_detached(record))


def test_sees_through_weight_decay_of_gradients_of_zero(loop, cut):
    record = cut(loop(), "trunk", called=True)
    record.parameters["trunk.weight"].moved = True
    for sample in record.samples:
        sample.parameters["trunk.weight"].gradient = 0.0
    assert [finding.where for finding in check_detached(record)] == ["trunk"]


def test_is_silent_where_the_graph_alone_does_not_show_the_part(loop):
    record = loop()
    record.parameters["trunk.weight"].reached = 0
    assert not list(check_detached(record))


@pytest.mark.parametrize("change", [{"is_trainable": False}, {"optimizer": None}])
def test_is_silent_about_frozen_parts(loop, cut, change):
    record = cut(loop(), "trunk", called=True)
    for name, value in change.items():
        setattr(record.parameters["trunk.weight"], name, value)
    assert not list(check_detached(record))


def test_is_silent_beside(loop):
    assert not list(check_detached(loop()))


def test_does_not_judge_what_was_not_looked_at(loop):
    [answer] = check_detached(loop(steps=0))
    assert isinstance(answer, Unchecked)
