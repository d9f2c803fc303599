"""Saves go on beside training: one at a time, none lost, none failing unheard."""

import threading
import time

import pytest
import torch
from torch import nn

from thalweg.errors import RunError
from thalweg.train import _checkpoint, make_optimizer
from thalweg.train._saves import Saves
from thalweg.train._state import State


def state_at(step: int) -> State:
    model = nn.Linear(4, 2)
    state = State(model, make_optimizer(model, "sgd", learning_rate=0.1))
    go_to(state, step)
    return state


def go_to(state: State, step: int) -> None:
    with torch.no_grad():
        for parameter in state.model.parameters():
            parameter.fill_(step)
    state.step = step


@pytest.fixture
def gate(monkeypatch):
    """Keeps every save from being written until it is opened."""
    opened, write = threading.Event(), _checkpoint.write

    def waiting(snapshot, folder):
        assert opened.wait(600)
        write(snapshot, folder)

    monkeypatch.setattr(_checkpoint, "write", waiting)
    yield opened
    opened.set()


def test_training_goes_on_while_a_save_is_written_and_the_file_holds_the_values_at_the_call(
    tmp_path, gate
):
    state = state_at(1)
    with Saves(tmp_path) as saves:
        saves.save(state)
        go_to(state, 99)
        assert saves.is_busy
        assert _checkpoint.checkpoints(tmp_path) == []
        gate.set()
    again = state_at(-1)
    _checkpoint.restore(again, tmp_path)
    assert again.step == 1
    assert {*again.model.weight.flatten().tolist()} == {1.0}


def test_a_second_save_waits_so_that_both_are_written(tmp_path, gate):
    state = state_at(1)
    with Saves(tmp_path) as saves:
        saves.save(state)
        threading.Timer(0.05, gate.set).start()
        go_to(state, 2)
        saves.save(state)
        # The second may be there too by now.
        assert _checkpoint.checkpoints(tmp_path)[-1].name[-1] == "1"
    assert [path.name[-1] for path in _checkpoint.checkpoints(tmp_path)] == ["2", "1"]


@pytest.mark.parametrize("ask", ["check", "wait", "save"])
def test_a_failure_is_raised_once_when_next_asked(tmp_path, ask):
    (tmp_path / "checkpoint").write_text("in the way")
    state = state_at(1)
    with Saves(tmp_path / "checkpoint") as saves:
        saves.save(state)
        while saves.is_busy:
            time.sleep(0.001)
        with pytest.raises(RunError, match=r"cannot write .*checkpoint"):
            getattr(saves, ask)(*[state] * (ask == "save"))
        saves.check()


def test_a_failure_is_raised_at_the_end_of_the_block(tmp_path):
    (tmp_path / "checkpoint").write_text("in the way")
    with pytest.raises(RunError, match="cannot write"), Saves(tmp_path / "checkpoint") as saves:
        saves.save(state_at(1))


def test_an_error_in_the_block_is_not_hidden_and_the_save_is_finished(tmp_path, gate):
    threading.Timer(0.05, gate.set).start()
    with pytest.raises(ValueError, match="inside"), Saves(tmp_path) as saves:
        saves.save(state_at(1))
        raise ValueError("inside")
    assert [path.name[-1] for path in _checkpoint.checkpoints(tmp_path)] == ["1"]


def test_between_two_saves_there_is_no_thread(tmp_path):
    with Saves(tmp_path) as saves:
        saves.save(state_at(1))
        saves.wait()
        assert "thalweg save" not in [thread.name for thread in threading.enumerate()]
