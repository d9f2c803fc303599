"""Sums, positions and the best weights, checked by arithmetic."""

import math

import pytest
import torch
from torch import nn

from thalweg.train import make_optimizer
from thalweg.train._state import STEPS_BETWEEN_READS, State


def state(**options) -> State:
    model = nn.Linear(1, 1)
    return State(model, make_optimizer(model, "sgd", learning_rate=0.1), **options)


def test_the_loss_of_an_epoch_weighs_each_batch_by_its_examples():
    here = state()
    here.add(torch.tensor(1.0), 30, [0.1])
    here.add(torch.tensor(4.0), 10, [0.1])
    here.end_epoch({}, 0.1, 0.0)
    assert here.history.column("train_loss") == [pytest.approx((30 * 1 + 10 * 4) / 40)]


def test_losses_are_read_in_one_go_every_so_many_steps():
    here = state()
    for number in range(STEPS_BETWEEN_READS - 1):
        here.add(torch.tensor(float(number)), 1, [0.1])
    assert here.history.steps == []
    here.add(torch.tensor(7.0), 1, [0.1])
    assert len(here.history.steps) == STEPS_BETWEEN_READS
    assert here.history.steps[-1]["loss"] == 7.0


def test_only_every_so_manyth_step_is_recorded_but_all_are_counted():
    here = state(record_every=3)
    for number in range(7):
        here.add(torch.tensor(float(number)), 1, [0.1])
    here.read()
    assert [row["step"] for row in here.history.steps] == [1, 4, 7]
    assert here.train_loss == pytest.approx(3.0)


def test_the_best_epoch_is_the_one_with_the_smallest_validation_loss():
    here = state()
    here.begin()
    for loss in (3.0, 1.0, math.nan, 2.0):
        with torch.no_grad():
            here.model.weight.fill_(loss)
        here.add(torch.tensor(1.0), 1, [0.1])
        here.end_epoch({"valid_loss": loss}, 0.1, 0.0)
    assert (here.best.loss, here.best.epoch, here.stale) == (1.0, 2, 2)
    assert here.best.weights["weight"].item() == 1.0


def test_an_improvement_too_small_does_not_count():
    here = state()
    here.begin()
    for loss in (1.0, 0.95, 0.85):
        here.add(torch.tensor(1.0), 1, [0.1])
        here.end_epoch({"valid_loss": loss}, 0.1, 0.1)
    assert here.best.epoch == 3


def test_a_loss_that_is_no_number_stops_with_its_step():
    here = state()
    here.add(torch.tensor(1.0), 1, [0.1])
    here.add(torch.tensor(math.inf), 1, [0.1])
    here.read()
    assert here.stopped == "the loss became inf at step 2"


def test_without_validation_the_newest_finite_weights_are_kept():
    here = state()
    here.begin()
    for number, loss in enumerate((1.0, 3.0, math.nan)):
        with torch.no_grad():
            here.model.weight.fill_(number)
        here.add(torch.tensor(loss), 1, [0.1])
        here.end_epoch({}, 0.1, 0.0)
    assert (here.best.epoch, here.best.weights["weight"].item()) == (2, 1.0)


@pytest.mark.parametrize(
    ("weights", "is_kept"),
    [
        ([3e38, 3e38], True),  # Their sum overflows.
        ([math.inf, 1.0], False),
        ([math.inf, -math.inf], False),
        ([math.nan, 1.0], False),
    ],
)
def test_only_weights_that_are_numbers_are_kept(weights, is_kept):
    model = nn.Linear(2, 1)
    here = State(model, make_optimizer(model, "sgd", learning_rate=0.1))
    here.begin()
    with torch.no_grad():
        here.model.weight.copy_(torch.tensor([weights]))
    here.add(torch.tensor(1.0), 1, [0.1])
    here.end_epoch({"valid_loss": 1.0}, 0.1, 0.0)
    assert here.best.epoch == int(is_kept)
