import pytest

from thalweg.doctor.checks._check import Note, Unchecked
from thalweg.doctor.checks.wiring._stale_forward import check_stale_forward


def test_finds_steps_between_forward_and_backward(loop):
    [finding] = check_stale_forward(loop("bfs"))
    assert finding.evidence["order"] == "forward, step, backward"


def test_finds_backward_passes_of_one_loss_again_and_again(loop):
    record = loop(["fbs", "bs", "bs", "bs"])
    record.repeated_backwards = 30
    [finding] = check_stale_forward(record)
    assert finding.evidence["of a loss from before an earlier step"] == 30


def test_finds_new_losses_on_an_old_output(loop):
    record = loop(["fbs", "bs", "bs", "bs"])
    record.repeated_graphs = 3
    assert len(list(check_stale_forward(record))) == 1


def test_finds_steps_that_use_a_gradient_again(loop):
    [finding] = check_stale_forward(loop(["fbs", "s", "s"], stale=True))
    assert finding.evidence["steps without a new backward pass"] > 20


def test_finds_a_schedule_between_backward_and_step(loop):
    [finding] = check_stale_forward(loop("fbcs"))
    assert (finding.where, finding.severity) == ("schedule", "warning")


def scheduled_first(loop, row, rate, events="cfbs"):
    record = loop()
    record.steps[0] = row(0, events)
    record.steps[0].rate = rate
    return record


def test_finds_a_schedule_that_begins_before_the_first_step(loop, row):
    [finding] = check_stale_forward(scheduled_first(loop, row, 0.08))
    assert finding.evidence["first rate of the schedule"] == 0.1


def test_only_notes_an_early_schedule_that_changed_nothing(loop, row):
    [answer] = check_stale_forward(scheduled_first(loop, row, 0.1))
    assert isinstance(answer, Note)


@pytest.mark.parametrize("events", ["cccfbs", "fbcfbs"])
def test_is_silent_where_a_schedule_is_resumed_or_a_scaler_left_a_step_out(loop, row, events):
    assert not list(check_stale_forward(scheduled_first(loop, row, 0.08, events)))


def test_is_silent_where_the_optimizer_has_stepped_before(loop, row):
    record = scheduled_first(loop, row, 0.08)
    record.optimizers[0].has_state = True
    assert not list(check_stale_forward(record))


@pytest.mark.parametrize(
    "events",
    [
        "fbs",
        ["fbs", "cfbs"],
        "eefbs",
        "fbfbfbs",
        "sfbfb",  # a closure, called within the step
        "fbfs",  # the loss again, to print it
        ["fbs", "fbs", "fbsc"],
    ],
)
def test_is_silent_beside(loop, events):
    assert not list(check_stale_forward(loop(events)))


@pytest.mark.parametrize("events", [["ffbs", "bs"], ["fbs", "s"], ["ffbs", "fbs"]])
def test_is_silent_where_two_optimizers_share_a_forward_pass(loop, events):
    record = loop(events, optimizers=2)
    record.repeated_graphs = 3
    assert not list(check_stale_forward(record))


def test_is_silent_where_forward_passes_are_not_seen(loop):
    assert not list(check_stale_forward(loop("bs")))


def test_does_not_judge_four_steps(loop):
    [answer] = check_stale_forward(loop("bfs", steps=4))
    assert isinstance(answer, Unchecked)
