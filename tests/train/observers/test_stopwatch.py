"""Seconds are counted once, for the phase in which they passed."""

import time

import pytest
import torch
from torch import nn

from thalweg.train._state import State
from thalweg.train.observers import Stopwatch


@pytest.fixture
def state() -> State:
    model = nn.Linear(2, 1)
    return State(model, torch.optim.SGD(model.parameters(), lr=0.1))


@pytest.fixture
def clock(monkeypatch):
    now = [50.0]
    monkeypatch.setattr(time, "perf_counter", lambda: now[0])
    return now


def test_adds_up_training_and_validation_and_keeps_the_first_step_apart(state, clock):
    stopwatch = Stopwatch()
    clock[0] += 100  # Between making the stopwatch and the start: no phase of training.
    stopwatch.start(state)
    for _ in range(2):
        for _ in range(3):
            clock[0] += 2
            stopwatch.step(state)
        clock[0] += 5
        stopwatch.epoch(state)
    clock[0] += 1
    stopwatch.end(state)
    assert stopwatch.seconds == {"first step": 2.0, "training": 11.0, "validation": 10.0}


def test_what_was_kept_apart_counts_for_no_other_phase(state, clock):
    stopwatch = Stopwatch()
    stopwatch.start(state)
    clock[0] += 2
    stopwatch.step(state)
    clock[0] += 3
    with stopwatch.apart("saving"):
        clock[0] += 7
    stopwatch.step(state)
    clock[0] += 5
    with pytest.raises(OSError, match="full"), stopwatch.apart("saving"):
        clock[0] += 11
        raise OSError("full")
    stopwatch.epoch(state)
    assert stopwatch.seconds == {
        "first step": 2.0,
        "training": 3.0,
        "validation": 5.0,
        "saving": 18.0,
    }
