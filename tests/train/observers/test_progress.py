"""A bar where a person watches, plain lines elsewhere."""

import io
import re
import sys
import time

import pytest
import torch
from torch import nn

from thalweg.train._state import Best, State
from thalweg.train.observers import Progress

STEPS, EPOCHS, EXAMPLES = 10, 3, 320


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def clock(monkeypatch):
    now = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    return now


@pytest.fixture
def errors(monkeypatch):
    """Return a function that puts a file in place of standard error."""

    def replace(file: io.StringIO | None = None) -> io.StringIO:
        file = file or io.StringIO()
        monkeypatch.setattr(sys, "stderr", file)
        return file

    return replace


@pytest.fixture(autouse=True)
def ordinary_terminal(monkeypatch):
    """Colours may be forced or forbidden where the tests run; `dumb` terminals show no bar."""
    for name in ("FORCE_COLOR", "NO_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "200")


def new_state() -> State:
    model = nn.Linear(2, 1)
    return State(model, torch.optim.SGD(model.parameters(), lr=0.1))


def train(
    progress: Progress, state: State, clock: list[float], seconds: float, epochs: int = EPOCHS
) -> None:
    """Go through the events of a training whose loss is 2 / step, without training."""
    progress.start(state)
    for _ in range(epochs):
        for _ in range(STEPS):
            clock[0] += seconds
            state.add(torch.tensor(2 / (state.step + 1)), 32, [0.1])
            progress.step(state)
        state.read()
        row = {"epoch": state.epoch + 1, "step": state.step, "train_loss": state.train_loss}
        state.history.add_epoch({**row, "valid_loss": 0.5, "valid_accuracy": 0.875})
        state.best = Best(0.5, state.epoch + 1, {})
        state.epoch += 1
        state.batch = 0
        state.loss_sum = state.weight_sum = 0.0
        progress.epoch(state)
    progress.end(state)


def plain(errors, clock, seconds: float, **arguments) -> list[str]:
    file, state = errors(), new_state()
    train(Progress(EPOCHS, EXAMPLES, STEPS, "accuracy"), state, clock, seconds, **arguments)
    return file.getvalue().splitlines()


def test_a_quick_training_is_one_line_and_its_best_epoch(errors, clock):
    mean = sum(2 / step for step in range(21, 31)) / 10
    assert plain(errors, clock, seconds=0.01) == [
        f"epoch 3/3  loss {mean:.4g}  valid accuracy 0.875  3,200 examples/s  300.0 ms in all",
        f"Best epoch 3: train loss {mean:.4g}, valid loss 0.5, valid accuracy 0.875.",
    ]


def test_a_longer_one_is_a_line_every_five_seconds(errors, clock):
    lines = plain(errors, clock, seconds=1.0)
    epochs = [line.split("  ")[0] for line in lines[:-1]]
    # Thirty steps of a second each, and the last epoch's own line.
    assert epochs == [f"epoch {1 + step // 10}/3" for step in (4, 9, 14, 19, 24, 29)] + [
        "epoch 3/3"
    ]
    # After five of thirty steps: the mean loss so far, 32 examples a second, 25 seconds to go.
    mean = sum(2 / step for step in range(1, 6)) / 5
    assert lines[0] == f"epoch 1/3  loss {mean:.4g}  32 examples/s  25.0 s left"
    assert "valid accuracy 0.875" in lines[2]


def test_no_line_holds_codes_for_a_terminal(errors, clock):
    assert "\x1b" not in "".join(plain(errors, clock, seconds=1.0))


def test_a_terminal_gets_a_bar_and_its_cursor_back(errors, clock):
    file, state = errors(Terminal()), new_state()
    train(Progress(EPOCHS, EXAMPLES, STEPS, "accuracy"), state, clock, 1.0)
    shown = file.getvalue()
    text = re.sub(r"\x1b\[[\d;?]*[A-Za-z]", "", shown)
    assert "━" in text
    assert "epoch 1/3" in text
    assert "32 examples/s" in text
    assert "Best epoch 3" in text.splitlines()[-1]
    assert shown.count("\x1b[?25l") == shown.count("\x1b[?25h") == 1


def test_a_bar_is_redrawn_four_times_a_second_at_most(errors, clock, monkeypatch):
    errors(Terminal())
    state, reads = new_state(), []
    read = state.read
    monkeypatch.setattr(state, "read", lambda: reads.append(read()))
    progress = Progress(1, EXAMPLES, 1000, "accuracy")
    progress.start(state)
    for _ in range(1000):
        clock[0] += 0.01
        state.add(torch.tensor(1.0), 32, [0.1])
        progress.step(state)
    progress.close()
    assert 35 <= len(reads) <= 40  # In ten seconds.


def test_the_terminal_is_given_back_where_training_fails(errors, clock):
    file = errors(Terminal())
    progress = Progress(EPOCHS, EXAMPLES, STEPS, "accuracy")
    progress.start(new_state())
    progress.close()
    assert file.getvalue().endswith("\x1b[?25h")


@pytest.mark.parametrize(
    ("batch", "reason", "line"),
    [
        (4, "interrupted", "Stopped in epoch 2: interrupted."),
        (0, "no better validation loss for 3 epochs", "Stopped after epoch 1: no better"),
    ],
)
def test_says_where_and_why_it_stopped_early(errors, clock, batch, reason, line):
    file, state = errors(), new_state()
    progress = Progress(EPOCHS, EXAMPLES, STEPS, "accuracy")
    progress.start(state)
    state.epoch, state.batch, state.stopped = 1, batch, reason
    progress.end(state)
    assert file.getvalue().startswith(line)


def test_first_weights_are_no_epoch_to_tell_of(errors, clock):
    file, state = errors(), new_state()
    progress = Progress(EPOCHS, EXAMPLES, STEPS, "accuracy")
    progress.start(state)
    state.best = Best(float("inf"), 0, {})
    progress.end(state)
    assert file.getvalue() == ""


def test_a_resumed_training_tells_its_own_speed(errors, clock):
    file, state = errors(), new_state()
    state.step, state.epoch = 20, 2
    state.history.epochs = [{"epoch": 1, "train_loss": 0.9}, {"epoch": 2, "train_loss": 0.8}]
    progress = Progress(EPOCHS, EXAMPLES, STEPS, "accuracy")
    train(progress, state, clock, 1.0, epochs=1)
    # Five steps after step 20: five of thirty are left.
    assert "32 examples/s  5.0 s left" in file.getvalue().splitlines()[0]


def test_standard_output_is_left_to_results(clock, capsys):
    train(Progress(EPOCHS, EXAMPLES, STEPS, "accuracy"), new_state(), clock, 0.01)
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "Best epoch 3" in captured.err
