"""What is still seen late in a training, when most steps leave no row."""

import math

import pytest
import torch
from torch import nn
from torch.nn import functional as F

import thalweg as tw
from thalweg.doctor.observer import _sampler

# Far from any step that leaves a row, and from every tenth, which may be looked at.
LATE = 697


class Loop:
    """A training of a few microseconds a step, in which something can be done at one step."""

    def __init__(self):
        draw = torch.Generator().manual_seed(0)
        self.x = torch.randn(24, 4, generator=draw)
        self.y = torch.randint(3, (24,), generator=draw)
        self.model = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 3))
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=0.01)
        self.counts = []

    def __call__(self, steps, at=None, do=None):
        with tw.watch(self.model, self.optimizer) as doctor:
            for step in range(1, steps + 1):
                if step == at:
                    do()
                self.optimizer.zero_grad()
                self.train()
                self.optimizer.step()
                self.counts.append(doctor.record.count)
        assert "all" not in doctor.record.limits
        return doctor.record

    def train(self):
        F.cross_entropy(self.model(self.x), self.y).backward()


@pytest.fixture
def loop():
    return Loop()


def test_rows_are_kept_in_blocks_and_say_as_much_as_those_of_the_beginning(loop):
    record = loop(1200)
    assert record.count == 1200 and loop.counts == [*range(1, 1201)]
    assert [row.step for row in record.steps[:500]] == [*range(1, 501)]
    later = record.steps[500:]
    looked_at = {each.step for each in record.samples}
    kept = {row.step for row in later} - looked_at
    # Of 64 steps eight: in the group that begins at 512 the first, then the second, …
    for turn, begin in enumerate(range(512, 1152, 64)):
        first = begin + 8 * (turn % 8)
        assert kept & {*range(begin, begin + 64)} == {*range(first, first + 8)} - looked_at
    for row in later:
        assert row.events == "fbs" and row.examples == 24 and row.own_backwards == 1
        assert 0 < row.seconds < 1000 and row.loss > 0 and not row.is_stale


def test_a_parameter_that_is_nan_is_named(loop):
    def spoil():
        with torch.no_grad():
            loop.model[2].bias[1] = torch.nan

    found = loop(LATE + 5, LATE, spoil).first_nonfinite
    assert (found.step, found.place, found.name) == (LATE, "parameter", "2.bias")


def test_an_input_that_is_nan_is_named(loop):
    def spoil():
        loop.x[3, 2] = torch.nan

    found = loop(LATE + 5, LATE, spoil).first_nonfinite
    assert (found.step, found.place) == (LATE, "input")


def test_a_module_that_gives_infinity_is_named(loop):
    loop.model[1] = nn.ReLU()

    def spoil():
        with torch.no_grad():
            loop.model[0].weight.fill_(1e30)
            loop.model[2].weight.fill_(1e30)

    found = loop(LATE + 5, LATE, spoil).first_nonfinite
    assert (found.step, found.place, found.name) == (LATE, "forward", "2")


@pytest.mark.parametrize(
    "error", [F.mse_loss, lambda output, target: (output - target).abs().mean()]
)
def test_a_target_that_is_nan_is_named(loop, error):
    loop.y = torch.randn(24, 3)
    loop.train = lambda: error(loop.model(loop.x), loop.y).backward()

    def spoil():
        loop.y[5, 0] = torch.nan

    found = loop(LATE + 5, LATE, spoil).first_nonfinite
    assert (found.step, found.place) == (LATE, "target")


def test_a_loss_that_leaps_has_the_next_step_looked_at(loop):
    def spoil():
        with torch.no_grad():
            loop.model[2].weight *= 1000

    record = loop(LATE + 5, LATE, spoil)
    assert LATE + 1 in {sample.step for sample in record.samples}


def test_losses_that_are_divided_or_added_up_do_not_leap(loop):
    def train():
        for share in (0.1, 1.0, 10.0):
            (share * F.cross_entropy(loop.model(loop.x), loop.y)).backward()

    loop.train = train
    record = loop(LATE)
    later = [row for row in record.steps if row.step > 600]
    assert later and all(row.events == "fbfbfbs" for row in later)
    assert {sample.step for sample in record.samples} <= {1, 2, 3, 5, 8, 13, *range(0, LATE, 10)}


def test_a_validation_is_seen_with_its_loss(loop):
    def validate():
        loop.model.eval()
        with torch.no_grad():
            loss = F.cross_entropy(loop.model(loop.x), loop.y)
        loop.model.train()
        validate.loss = float(loss)

    record = loop(LATE + 5, LATE, validate)
    (seen,) = record.evaluations
    assert seen.step == LATE - 1 and seen.examples == seen.loss_examples == 24
    assert math.isclose(seen.loss, validate.loss, rel_tol=1e-6)
    assert sum(seen.counts) == 24


def test_what_another_optimizer_does_is_not_counted(loop):
    stranger = torch.nn.Linear(2, 1)
    theirs = torch.optim.SGD(stranger.parameters(), lr=0.1)

    def train_another():
        for _ in range(100):
            stranger(torch.ones(1, 2)).sum().backward()
            theirs.step()

    record = loop(LATE + 5, LATE, train_another)
    assert record.count == LATE + 5


def test_gradients_that_are_no_longer_cleared_are_stale(loop):
    def stop_clearing():
        loop.optimizer.zero_grad = lambda: None

    stale = [row.step for row in loop(900, LATE, stop_clearing).steps if row.is_stale]
    assert min(stale) <= 728 and len(stale) >= 24


def test_what_is_written_past_the_version_counter_is_measured_anew(loop, monkeypatch):
    monkeypatch.setattr(_sampler, "GLANCE_ALLOWANCE", math.inf)
    loop.y = torch.randn(24, 3)
    loop.train = lambda: F.mse_loss(loop.model(loop.x), loop.y).backward()

    def write():
        loop.y.data += 100

    record = loop(60, 45, write)
    seen = [(each.step, each.losses[0].target.mean) for each in record.glances if each.losses]
    seen += [(each.step, each.losses[0].target.mean) for each in record.samples if each.losses]
    assert {step for step, _ in seen if step >= 45}
    assert all((mean > 50) == (step >= 45) for step, mean in seen)
