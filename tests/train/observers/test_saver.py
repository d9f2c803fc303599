"""The state is saved when it was asked for, and not more often."""

import time
from pathlib import Path

import pytest
import torch
from torch import nn

from thalweg.train._saves import Saves
from thalweg.train._state import State
from thalweg.train.observers import Saver


class Noted(Saves):
    """Notes when it was to save; a save lasts as long as a test says."""

    def __init__(self) -> None:
        super().__init__(Path("nowhere"))
        self.saved: list[tuple[int, int]] = []
        self.busy = False

    @property
    def is_busy(self) -> bool:
        return self.busy

    def save(self, state: State) -> None:
        self.saved.append((state.epoch, state.step))


class Log:
    """Training without a network: what happens, and what was saved when."""

    def __init__(self, saver_arguments: dict, now: list[float]) -> None:
        model = nn.Linear(2, 1)
        self.state = State(model, torch.optim.SGD(model.parameters(), lr=0.1))
        self.now = now
        self.saves = Noted()
        self.saver = Saver(self.saves, **saver_arguments)

    @property
    def saved(self) -> list[tuple[int, int]]:
        return self.saves.saved

    def train(self, epochs: int, steps: int, seconds: float = 1.0, at_once: int = 1) -> None:
        self.saver.start(self.state)
        for _ in range(epochs):
            for _ in range(0, steps, at_once):
                self.state.step += at_once
                self.now[0] += seconds
                self.saver.step(self.state)
            self.state.epoch += 1
            self.saver.epoch(self.state)
        self.saver.end(self.state)


@pytest.fixture
def log(monkeypatch):
    now = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    return lambda **arguments: Log(arguments, now)


def test_saves_every_so_many_steps(log):
    training = log(every=3, minutes=60)
    training.train(epochs=2, steps=5)
    assert training.saved == [(0, 3), (1, 6), (1, 9)]


def test_where_several_steps_are_taken_at_once_saves_after_the_last_of_them(log):
    training = log(every=5, minutes=60)
    training.train(epochs=2, steps=12, at_once=3)
    assert training.saved == [(0, 6), (0, 12), (1, 15), (1, 21)]


def test_steps_that_are_taken_again_are_saved_again(log):
    training = log(every=4, minutes=60)
    training.train(epochs=1, steps=7)
    training.state.step = 2  # Back to a checkpoint, for want of memory.
    for _ in range(7):
        training.state.step += 1
        training.saver.step(training.state)
    assert training.saved == [(0, 4), (1, 4), (1, 8)]


def test_without_a_number_of_steps_saves_at_the_ends_of_epochs_only(log):
    training = log(every=None, minutes=0)
    training.train(epochs=3, steps=2)
    assert training.saved == [(1, 2), (2, 4), (3, 6)]


def test_waits_so_many_minutes_between_the_ends_of_epochs(log):
    training = log(every=None, minutes=0.5)
    training.train(epochs=6, steps=2, seconds=6)  # An epoch takes 12 seconds.
    assert training.saved == [(3, 6), (6, 12)]


def test_a_save_by_steps_counts_as_one_by_minutes(log):
    training = log(every=5, minutes=0.5)
    training.train(epochs=3, steps=5, seconds=6)
    assert training.saved == [(0, 5), (1, 10), (2, 15)]


@pytest.mark.parametrize(
    ("stopped", "saved"), [("interrupted", [(1, 2)]), (None, []), ("stale", [])]
)
def test_an_interrupted_run_is_saved_at_the_end(log, stopped, saved):
    training = log(every=None, minutes=60)
    training.state.stopped = stopped
    training.train(epochs=1, steps=2)
    assert training.saved == saved


def test_a_save_under_way_is_not_waited_for_at_the_end_of_an_epoch_but_by_steps(log):
    by_minutes, by_steps = log(every=None, minutes=0), log(every=2, minutes=60)
    for training in (by_minutes, by_steps):
        training.saves.busy = True
        training.train(epochs=2, steps=2)
        training.saves.busy = False
        training.train(epochs=1, steps=2)
    assert by_minutes.saved == [(3, 6)]
    assert by_steps.saved == [(0, 2), (1, 4), (2, 6)]
