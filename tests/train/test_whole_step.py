"""Whole steps as one compiled program: the same steps, the same bits after a resume."""

import copy
import dataclasses
import shutil

import pytest
import torch
from torch import nn

import thalweg as tw
from thalweg.errors import SettingError
from thalweg.train._loop import BEGINNING, SEEN, Plan, strides, update
from thalweg.train._state import State
from thalweg.train._whole_step import CannotCompileError, WholeStep, length

pytestmark = pytest.mark.skipif(shutil.which("g++") is None, reason="compiling needs g++")

# Together all that a step may do: pieces, weighted examples, penalties, a shortened gradient.
SETTINGS = {
    "epochs": 5,
    "batch_size": 32,
    "accumulate": 2,
    "l1": 1e-4,
    "l2": 1e-4,
    "clip_norm": 1.0,
    "class_weights": "balanced",
    "progress": False,
}


class Shared(nn.Module):
    """A small network with buffers, a shared weight, and noise."""

    def __init__(self):
        super().__init__()
        self.first = nn.Linear(64, 16)
        self.norm = nn.BatchNorm1d(16)
        self.middle = nn.Linear(16, 16)
        self.again = nn.Linear(16, 16)
        self.again.weight = self.middle.weight
        self.last = nn.Linear(16, 10)

    def forward(self, x):
        hidden = nn.functional.dropout(self.norm(self.first(x.flatten(1))), 0.2, self.training)
        return self.last(self.again(self.middle(hidden.relu()).relu()).relu())


def network():
    torch.manual_seed(0)
    return Shared()


@pytest.fixture(scope="module")
def digits():
    return tw.load("digits")


@pytest.fixture(scope="module")
def compiled_run(digits, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "compiled"
    return tw.fit(network(), digits, compiled=True, out=folder, **SETTINGS)


@pytest.mark.slow
def test_compiled_steps_are_the_loops_steps_to_rounding(digits, compiled_run, tmp_path):
    plain = tw.fit(network(), digits, compiled=False, out=tmp_path / "plain", **SETTINGS)
    ours, theirs = compiled_run.history.steps, plain.history.steps
    assert [row["step"] for row in ours] == [row["step"] for row in theirs]
    assert [row["learning_rate"] for row in ours] == [row["learning_rate"] for row in theirs]
    losses = torch.tensor([[a["loss"], b["loss"]] for a, b in zip(ours, theirs, strict=True)])
    torch.testing.assert_close(losses[:, 0], losses[:, 1], rtol=1e-3, atol=1e-4)
    # The buffer that counts batches is exact: every step was taken once, in two pieces.
    assert int(compiled_run.model.norm.num_batches_tracked) == 2 * len(theirs)
    assert compiled_run.model.again.weight is compiled_run.model.middle.weight
    assert compiled_run.diagnosis.findings == plain.diagnosis.findings
    reasons = {each.setting: each.reason for each in compiled_run.choices}
    assert reasons["compiled"].startswith("asked for; 3 steps at a time, compiling took ")


@pytest.mark.slow
def test_a_compiled_training_resumes_in_the_same_bits(digits, tmp_path, monkeypatch):
    update = tw.train._loop.update

    def failing(plan, state, *others):
        # One of the steps between, which the loop takes: the uneven last of an epoch.
        if state.step == 159:
            raise KeyboardInterrupt
        return update(plan, state, *others)

    # A smaller program, since it is compiled three times.
    settings = {"epochs": 5, "batch_size": 32, "optimizer": "sgd", "compiled": True}
    settings |= {"learning_rate": 0.01, "progress": False}
    folder = tmp_path / "cut"
    monkeypatch.setattr(tw.train._loop, "update", failing)
    with pytest.raises(KeyboardInterrupt):
        tw.fit(network(), digits, out=folder, checkpoint_every=43, **settings)
    monkeypatch.setattr(tw.train._loop, "update", update)
    # When to save decides no number, so that `verify` may save more often than the run did.
    whole = tw.fit(network(), digits, out=tmp_path / "whole", checkpoint_every=50, **settings)
    resumed = tw.resume(folder, digits, network(), progress=False)
    for name, value in whole.model.state_dict().items():
        assert torch.equal(value, resumed.model.state_dict()[name]), name
    assert whole.history.steps == resumed.history.steps


class Counting(nn.Module):
    """A network that does something else at each call, by a number that no tensor holds."""

    def __init__(self):
        super().__init__()
        self.last = nn.Linear(64, 10)
        self.calls = 0

    def forward(self, x):
        self.calls += 1
        return self.last(x.flatten(1)) * (1 + 0.1 * self.calls)


@pytest.mark.slow
def test_a_program_that_takes_other_steps_is_refused(digits, tmp_path):
    words = (
        r"compiled=True was asked for, but the compiled step is another one: the loss of step \d"
    )
    with pytest.raises(SettingError, match=words):
        tw.fit(Counting(), digits, compiled=True, out=tmp_path / "run", **SETTINGS)
    assert not (tmp_path / "run").exists()


def test_what_cannot_be_compiled_says_why(digits, tmp_path):
    settings = {**SETTINGS, "out": tmp_path / "run", "compiled": True}
    with pytest.raises(SettingError, match="images are augmented"):
        tw.fit(network(), digits, rotate=10, **settings)
    with pytest.raises(SettingError, match="only 1 batches of one size"):
        tw.fit(network(), digits, **{**settings, "batch_size": 700})

    class Reading(nn.Module):
        def __init__(self):
            super().__init__()
            self.last = nn.Linear(64, 10)

        def forward(self, x):
            return self.last(x.flatten(1)) * (1 if float(x.sum()) else 2)

    with pytest.raises(SettingError, match="the step cannot be compiled"):
        tw.fit(Reading(), digits, **settings)


def test_a_state_that_went_back_is_written_to_where_it_now_lies(digits):
    given = []

    class Recorded(WholeStep):
        def __init__(self):
            self.steps, self._tensors, self._owner = 3, [], None

        def _program(self, *tensors):
            given.append(tensors)
            return torch.zeros(3), torch.zeros(3)

    plan, state = TestStrides().plan(digits, optimizer="adam")
    rows = torch.arange(96)
    update(plan, state, rows[:32], 0.1)
    several = Recorded().bound(plan).several
    several(state, rows.view(3, 32), [0.1] * 3)
    state.optimizer.load_state_dict(copy.deepcopy(state.optimizer.state_dict()))
    state.shortages = [2]
    several(state, rows.view(3, 32), [0.1] * 3)
    averages = [each["exp_avg"] for each in state.optimizer.state.values()]
    assert all(any(each is tensor for tensor in given[1]) for each in averages)
    assert not any(each is tensor for tensor in given[0] for each in averages)


class TestStrides:
    """Which batches go together: a function of the step's number alone."""

    def plan(self, digits, **settings):
        config = tw.train.Config(batch_size=32, epochs=50, device="cpu", learning_rate=0.1)
        config = dataclasses.replace(config, **settings)
        task, _ = tw.tasks.choose(digits.schema.target, outputs=10)
        plan, state = tw.train._assembly.assemble(network(), digits, task, config)
        return dataclasses.replace(plan, at_once=4), state

    def every(self, plan: Plan, state: State, epoch: int, batch: int = 0):
        state.epoch, state.batch = epoch, batch
        return strides(plan, state)

    def test_one_by_one_at_the_beginning_and_where_nothing_is_compiled(self, digits):
        plan, state = self.plan(digits)
        singles = [(number, number + 1) for number in range(40)]
        assert self.every(plan, state, 0) == singles
        assert self.every(dataclasses.replace(plan, at_once=1), state, 30) == singles

    def test_every_batch_once_in_order_and_the_uneven_last_alone(self, digits):
        plan, state = self.plan(digits)
        for epoch in range(3, 50):
            spans = self.every(plan, state, epoch)
            assert [each for span in spans for each in range(*span)] == list(range(40))
            assert spans[-1] == (39, 40)  # 1,257 examples: nine in the last batch.
            assert {last - first for first, last in spans} <= {1, 4}

    def test_some_turns_are_taken_one_by_one(self, digits):
        plan, state = self.plan(digits)
        alone = sum((0, 1) in self.every(plan, state, epoch) for epoch in range(3, 50))
        assert 0 < alone < 47
        taken = sum(len(self.every(plan, state, epoch)) < 40 for epoch in range(3, 50))
        assert taken == 47
        assert BEGINNING < 3 * 40 < SEEN * 4 < 50 * 40

    def test_a_resumed_epoch_goes_on_with_the_same_turns(self, digits):
        plan, state = self.plan(digits)
        whole = self.every(plan, state, 7)
        for place, (first, _) in enumerate(whole):
            assert self.every(plan, state, 7, batch=first) == whole[place:]

    def test_they_do_not_depend_on_when_to_save(self, digits):
        plan, state = self.plan(digits)
        saving, _ = self.plan(digits, checkpoint_every=7)
        for epoch in range(3, 20):
            assert self.every(saving, state, epoch) == self.every(plan, state, epoch)

    def test_the_length_leaves_few_batches_over(self, digits):
        plan, _ = self.plan(digits)
        assert length(plan) == 3  # 39 full batches
        plan, _ = self.plan(digits, batch_size=31)
        assert length(plan) == 4  # 40 full batches
        plan, _ = self.plan(digits, batch_size=600)
        with pytest.raises(CannotCompileError, match="only 2 batches"):
            length(plan)
