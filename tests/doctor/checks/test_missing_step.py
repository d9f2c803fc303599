from thalweg.doctor.checks._check import Unchecked
from thalweg.doctor.checks.wiring._missing_step import check_missing_step
from thalweg.doctor.record import FirstNonFinite


def test_finds_backward_passes_that_no_step_follows(loop):
    [finding] = check_missing_step(loop(steps=0))
    assert finding.evidence["backward passes"] == 40


def test_finds_the_optimizer_of_two_that_never_steps(loop):
    record = loop(optimizers=2)
    for row in record.steps:
        row.optimizer = 0
    record.parameters["head.weight"].moved = False
    [finding] = check_missing_step(record)
    assert finding.evidence["steps of other optimizers"] == 40


def test_finds_steps_whose_gradient_was_cleared_before(loop):
    [finding] = check_missing_step(loop(gradient=None))
    assert finding.evidence["steps that found a gradient"] == 0


def test_finds_steps_without_any_backward_pass(loop):
    record = loop("fs", gradient=None)
    record.backwards = 0
    [finding] = check_missing_step(record)
    assert finding.evidence["backward passes"] == 0


def test_finds_steps_that_are_lost_in_rounding(loop):
    record = loop()
    for facts in record.parameters.values():
        facts.moved = False
    [finding] = check_missing_step(record)
    assert finding.where == "parameters"


def test_finds_one_step_after_many_backward_passes_whose_gradients_were_cleared(loop):
    record = loop("fbfbfbfbfbfbs", steps=8)
    for row in record.steps:
        row.wasted_backwards = 5
    [finding] = check_missing_step(record)
    assert finding.evidence["of these, gradients cleared unused"] == 35


def test_is_silent_where_parameters_move(loop):
    assert not list(check_missing_step(loop()))
    assert not list(check_missing_step(loop("fbfbfbfbfbfbs", steps=8)))


def test_is_silent_where_somebody_moves_the_parameters_without_an_optimizer(loop):
    record = loop(steps=0)
    record.optimizers = []
    for facts in record.parameters.values():
        facts.optimizer, facts.moved = None, True
    assert not list(check_missing_step(record))


def test_leaves_a_late_backward_pass_to_its_own_check(loop):
    assert not list(check_missing_step(loop("bfs", gradient=None)))


def test_leaves_losses_that_are_not_finite_to_their_own_check(loop):
    record = loop(steps=0)
    record.first_nonfinite = FirstNonFinite(1, "loss", "loss")
    assert not list(check_missing_step(record))


def test_a_training_that_went_back_to_where_it_began_is_not_taken_for_one_that_never_moved(loop):
    record = loop()
    for facts in record.parameters.values():
        facts.moved = False
    record.first_nonfinite = FirstNonFinite(3, "loss", "loss")
    assert not list(check_missing_step(record))


def test_does_not_judge_a_few_backward_passes(loop):
    record = loop(steps=0)
    record.backwards = 8
    [answer] = check_missing_step(record)
    assert isinstance(answer, Unchecked)


def test_tries_within_a_step_are_no_waste(loop):
    record = loop("fbfbfbfbfbfbs", steps=8)
    for row in record.steps:
        row.wasted_backwards = 5
    record.optimizers[0].options["max_iter"] = 10
    assert not list(check_missing_step(record))
