"""What strangers hand over raises, lies and draws at random: nothing is lost, all is said."""

import math

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import Dataset

import thalweg as tw
from thalweg._core import seeds
from thalweg.errors import DataError, RunMismatchError
from thalweg.train import Onlookers, _checkpoint, _fit
from thalweg.train._arrangement import Arrangement
from thalweg.train.observers import Progress

SETTINGS = {"epochs": 2, "batch_size": 32, "learning_rate": 0.01, "progress": False}


def network() -> nn.Module:
    torch.manual_seed(5)
    return nn.Sequential(nn.Linear(4, 16), nn.BatchNorm1d(16), nn.Dropout(0.4), nn.Linear(16, 3))


def assert_same(run: tw.Run, other: tw.Run) -> None:
    for name, value in run.model.state_dict().items():
        assert torch.equal(value, other.model.state_dict()[name]), name
    assert run.history == other.history


class BoomError(Exception):
    """Somebody's own error."""


def boom(*_arguments, **_options):
    raise BoomError("of a stranger")


# What only shows something


@pytest.mark.parametrize("event", ["start", "step", "epoch", "end", "close"])
def test_a_display_that_raises_costs_no_training(three_classes, monkeypatch, event):
    calm = tw.fit(network(), three_classes, out="calm", **SETTINGS)
    monkeypatch.setattr(Progress, event, boom)
    run = tw.fit(network(), three_classes, out="run", **{**SETTINGS, "progress": True})
    assert_same(run, calm)
    (choice,) = [each for each in run.choices if each.setting == "progress"]
    assert choice.reason == (
        "it failed (BoomError: of a stranger), and training goes on without it"
    )


def test_an_announcement_that_raises_costs_no_training(three_classes):
    calm = tw.fit(network(), three_classes, out="calm", **SETTINGS)
    config = calm.settings.train
    onlookers = Onlookers(progress=False, announce=boom)
    run = tw.train.fit(network(), three_classes, calm.task, config, choices=[], onlookers=onlookers)
    assert_same(run, calm)
    assert "announcement" in [each.setting for each in run.choices]


def test_a_notice_of_waiting_that_raises_costs_no_training(three_classes, monkeypatch):
    def arrange(model, data, task, config, is_open, wait):
        wait("for nothing")
        return Arrangement(config)

    monkeypatch.setattr(_fit, "arrange", arrange)
    calm = tw.fit(network(), three_classes, out="calm", **SETTINGS)
    onlookers = Onlookers(progress=False, wait=boom)
    config = calm.settings.train
    run = tw.train.fit(network(), three_classes, calm.task, config, choices=[], onlookers=onlookers)
    assert_same(run, calm)


# What training needs


@pytest.mark.parametrize("method", ["quick", "losses"])
def test_a_task_that_raises_in_validation_loses_nothing(
    three_classes, monkeypatch, tmp_path, method
):
    """Its error is the user's own, and the epoch before it is saved."""
    calm = tw.fit(network(), three_classes, out="calm", **SETTINGS)
    original, task = getattr(type(calm.task), method), type(calm.task)

    def failing(self, *arguments):
        if at["step"] == 6:
            raise BoomError("of a stranger")
        return original(self, *arguments)

    at = noted(monkeypatch)
    with monkeypatch.context() as patch:
        patch.setattr(task, method, failing)
        with pytest.raises(BoomError):
            tw.fit(network(), three_classes, out="run", **SETTINGS)
    newest = _checkpoint.checkpoints(tmp_path / "run" / "checkpoint")[0]
    assert newest.name == _checkpoint.checkpoint_name(6)
    assert_same(tw.resume("run", three_classes, network(), progress=False), calm)


def test_a_loss_that_raises_in_a_step_ends_in_its_own_error_and_the_run_goes_on_from_the_last_save(
    three_classes, monkeypatch, tmp_path
):
    settings = {**SETTINGS, "checkpoint_every": 2}
    calm = tw.fit(network(), three_classes, out="calm", **settings)
    method, at = type(calm.task).mean_loss, noted(monkeypatch)

    def failing(self, *arguments):
        return boom() if at["step"] == 5 else method(self, *arguments)

    with monkeypatch.context() as patch:
        patch.setattr(type(calm.task), "mean_loss", failing)
        with pytest.raises(BoomError):
            tw.fit(network(), three_classes, out="run", **settings)
    # The step had changed buffers and drawn numbers already, so that it is not saved.
    newest = _checkpoint.checkpoints(tmp_path / "run" / "checkpoint")[0]
    assert newest.name == _checkpoint.checkpoint_name(4)
    assert_same(tw.resume("run", three_classes, network(), progress=False), calm)


def noted(monkeypatch) -> dict[str, int]:
    """Keep count of the steps."""
    at, add = {"step": 0}, tw.train._state.State.add

    def counting(state, *arguments):
        add(state, *arguments)
        at["step"] = state.step

    monkeypatch.setattr(tw.train._state.State, "add", counting)
    return at


# Data


class Points(Dataset):
    def __init__(self, length=None) -> None:
        self.length = length

    def __len__(self) -> int:
        return 60 if self.length is None else self.length()

    def __getitem__(self, index):
        if not 0 <= index < 60:
            raise IndexError(index)
        return torch.arange(4.0) + index, index % 3


class Unspeakable(Points):
    __repr__ = __str__ = boom


def test_a_data_set_that_cannot_be_shown_is_trained_on(tmp_path):
    run = tw.fit("mlp", tw.load(Unspeakable()), out="run", **SETTINGS)
    assert run.report().exists()
    assert repr(tw.Run.load("run"))


@pytest.mark.parametrize(
    ("length", "said"),
    [
        (lambda: 100, "says that it holds 100 examples, but has none at index 60"),
        (lambda: 10**15, "has none at index 60"),
        (lambda: -1, "length of Points must be a whole number"),
        (lambda: 10**30, "length of Points must be a whole number"),
        (lambda: 3.5, "length of Points must be a whole number"),
        (lambda: 0, "must hold examples, got none"),
    ],
)
def test_a_data_set_that_lies_about_its_length_is_told_in_a_line(length, said):
    with pytest.raises(DataError, match=said) as caught:
        tw.load(Points(length))
    assert len(str(caught.value).splitlines()) == 1


def test_an_error_in_the_length_of_a_data_set_is_its_own():
    with pytest.raises(BoomError):
        tw.load(Points(boom))


class Noisy(Points):
    """Draws from all three global streams, at each reading."""

    def __getitem__(self, index):
        values, target = super().__getitem__(index)
        return values + torch.rand(4) + float(np.random.rand()), target


def test_what_is_random_in_a_data_set_is_drawn_by_the_seed_so_that_a_run_finds_its_data_again(
    monkeypatch,
):
    torch.manual_seed(1)
    before = seeds.state()[0]["torch"]
    first = tw.load(Noisy())
    assert torch.equal(seeds.state()[0]["torch"], before)
    torch.manual_seed(2)
    second, other = tw.load(Noisy()), tw.load(Noisy(), seed=1)
    assert torch.equal(first.train.inputs, second.train.inputs)
    assert first.schema.fingerprint == second.schema.fingerprint != other.schema.fingerprint
    noise = first.train.inputs - first.train.inputs.round()
    assert len(noise.unique()) > 100


DRAWING = """
import random

class Drawing(nn.Module):
    def forward(self, inputs):
        if self.training:
            inputs = inputs + 0.1 * random.random() + 0.1 * np.random.rand() + 0.1 * torch.rand(1)
        return inputs

def drawing():
    torch.manual_seed(5)
    return nn.Sequential(nn.Linear(4, 16), Drawing(), nn.ReLU(), nn.Linear(16, 3))

def train(folder):
    return tw.fit(drawing(), DATA, out=folder, **SETTINGS)
"""


def test_a_network_that_draws_from_python_and_numpy_goes_on_to_the_same_bits(
    run_to_end, start, tmp_path
):
    """In processes of their own: the checks of types in ours draw from Python's stream too."""
    run_to_end(DRAWING + "random.seed(1); train('calm')")
    run_to_end(DRAWING + "random.seed(2); np.random.seed(2); train('again')")
    for at in (150, 220, 290):
        folder = f"cut-{at}"
        killed = start(DRAWING + "die_at_call(at); train(folder)", at=at, folder=folder)
        assert killed.wait() < 0, killed.said
        run_to_end(DRAWING + "tw.resume(folder, DATA, drawing(), progress=False)", folder=folder)
    weights = {(path / "model.safetensors").read_bytes() for path in tmp_path.glob("*/")}
    assert len(weights) == 1
    losses = tw.Run.peek(tmp_path / "calm").history.steps
    assert all(math.isfinite(row["loss"]) for row in losses)


# Settings changed by hand


def test_another_number_of_steps_is_refused_by_name_unless_forced(
    three_classes, monkeypatch, tmp_path
):
    settings = {**SETTINGS, "epochs": 3, "checkpoint_every": 1, "schedule": "linear", "warmup": 0}
    at = noted(monkeypatch)
    update = tw.train._loop.update
    with monkeypatch.context() as patch:
        patch.setattr(
            tw.train._loop, "update", lambda *given: boom() if at["step"] == 4 else update(*given)
        )
        with pytest.raises(BoomError):
            tw.fit(network(), three_classes, out="run", **settings)
    path = tmp_path / "run" / "config.toml"
    path.write_text(
        path.read_text()
        .replace("epochs = 3", "epochs = 6")
        .replace("checkpoint_every = 1", "checkpoint_every = 2")
    )
    # When to save may change, since it changes no number.
    with pytest.raises(RunMismatchError, match=r"exactly: epochs was 3 then, is 6 now\. Restore"):
        tw.resume("run", three_classes, network(), progress=False)
    run = tw.resume("run", three_classes, network(), progress=False, force=True)
    rates = [row["learning_rate"] for row in run.history.steps]
    assert run.status.epochs == 6
    assert rates[:4] == pytest.approx([0.01 * (1 - step / 9) for step in range(4)])
    assert rates[4:] == pytest.approx([0.01 * (1 - step / 18) for step in range(4, 18)])
