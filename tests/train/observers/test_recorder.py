"""The history on disk keeps up with the one in memory."""

import time

import pytest
import torch
from torch import nn

from thalweg._core.history import History
from thalweg.errors import RunError
from thalweg.train._state import State
from thalweg.train.observers import Recorder


@pytest.fixture
def state() -> State:
    model = nn.Linear(2, 1)
    return State(model, torch.optim.SGD(model.parameters(), lr=0.1))


@pytest.fixture
def clock(monkeypatch):
    """Time that passes when a test says so."""
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    return now


def epoch(state: State) -> None:
    number = len(state.history) + 1
    state.history.add_step(number, number - 1, 1 / number, 0.1)
    state.history.add_epoch({"epoch": number, "step": number, "train_loss": 1 / number})


def written(path) -> History:
    return History.from_lines(path.read_text().splitlines())


def test_writes_at_the_start_and_at_the_end_whatever_the_time(tmp_path, state, clock):
    path = tmp_path / "history.jsonl"
    recorder = Recorder(path)
    recorder.start(state)
    assert written(path) == History()
    epoch(state)
    recorder.epoch(state)
    assert written(path) == History()  # Too soon after the last write.
    recorder.end(state)
    assert written(path) == state.history


def test_writes_at_an_epoch_once_a_second_has_passed(tmp_path, state, clock):
    path = tmp_path / "history.jsonl"
    recorder = Recorder(path)
    recorder.start(state)
    epoch(state)
    clock[0] += 1.1
    recorder.epoch(state)
    assert written(path) == state.history
    epoch(state)
    clock[0] += 0.5
    recorder.epoch(state)
    assert len(written(path)) == 1


def test_a_resumed_history_is_written_at_once(tmp_path, state):
    epoch(state)
    Recorder(tmp_path / "history.jsonl").start(state)
    assert written(tmp_path / "history.jsonl") == state.history


def test_a_disk_that_takes_nothing_is_told(tmp_path, state):
    with pytest.raises(RunError, match="cannot write"):
        Recorder(tmp_path / "absent" / "history.jsonl").start(state)
