import copy

import pytest
import torch
from torch import nn

from thalweg.doctor.observer._ledger import Ledger
from thalweg.doctor.probes._changes import Changes, looks_fresh
from thalweg.doctor.probes._modules import follows_mode
from thalweg.doctor.record import StepRow


def trained(steps=60):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 2))
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for _ in range(steps):
        x = torch.randn(32, 16)
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(x), (x[:, 0] > 0).long()).backward()
        optimizer.step()
    return model


@pytest.mark.parametrize(
    "module",
    [
        nn.Linear(64, 32),
        nn.Conv2d(16, 32, 3),
        nn.LSTM(32, 64),
        nn.Embedding(50, 16),
        nn.MultiheadAttention(32, 4),
        nn.LayerNorm(32),
    ],
)
def test_layers_look_fresh_as_torch_makes_them(module):
    assert all(looks_fresh(parameter) for parameter in module.parameters())


@pytest.mark.parametrize(
    "start",
    [
        nn.init.xavier_uniform_,
        nn.init.kaiming_normal_,
        nn.init.trunc_normal_,
        nn.init.orthogonal_,
        nn.init.eye_,
        nn.init.zeros_,
    ],
)
def test_layers_look_fresh_after_other_initializations(start):
    torch.manual_seed(0)
    layer = nn.Linear(64, 64)
    start(layer.weight)
    assert looks_fresh(layer.weight)


def test_trained_weights_do_not_look_fresh():
    assert not looks_fresh(trained()[0].weight)


def test_copies_of_well_trained_weights_do_not_look_fresh():
    assert not looks_fresh(copy.deepcopy(trained(400))[0].weight)


@pytest.mark.parametrize("size", [(3,), (200, 200)])
def test_a_parameter_has_moved_when_one_entry_has(size):
    parameter, changes = nn.Parameter(torch.randn(size)), Changes()
    changes.add("weight", parameter)
    assert not changes.has_moved("weight")
    parameter.data.view(-1)[1] += 0.01
    assert changes.has_moved("weight")


def test_a_gradient_from_before_is_not_new():
    parameter, changes = nn.Parameter(torch.ones(3)), Changes()
    parameter.sum().backward()
    changes.add("weight", parameter)
    assert not changes.has_new_gradient("weight")
    parameter.sum().backward()
    assert changes.has_new_gradient("weight")


def clear_to_none(model, optimizer):
    optimizer.zero_grad()


def clear_in_place(model, optimizer):
    optimizer.zero_grad(set_to_none=False)


def clear_the_model(model, optimizer):
    model.zero_grad(set_to_none=False)


def clear_past_the_counter(model, optimizer):
    for parameter in model.parameters():
        if parameter.grad is not None:
            parameter.grad.data.zero_()


def clear_one_layer(model, optimizer):
    model[0].zero_grad()


def clip_only(model, optimizer):
    """Clear nothing."""


def stale_steps(clear, passes=1):
    model = nn.Sequential(nn.Linear(4, 4), nn.Tanh(), nn.Linear(4, 1))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    ledger = Ledger(optimizer, 0)
    found = []
    for _ in range(5):
        clear(model, optimizer)
        for _ in range(passes):
            loss = model(torch.randn(8, 4)).square().mean()
            ledger.before_backward(looks=True)
            loss.backward()
            ledger.after_backward()
        nn.utils.clip_grad_norm_(model.parameters(), 0.1)
        optimizer.step()
        row = StepRow(1)
        ledger.after_step(row)
        ledger.turn()
        found.append(row.is_stale)
    return sum(found)


@pytest.mark.parametrize("passes", [1, 3])
@pytest.mark.parametrize(
    "clear", [clear_to_none, clear_in_place, clear_the_model, clear_past_the_counter]
)
def test_gradients_count_as_cleared_however_it_is_done(clear, passes):
    assert stale_steps(clear, passes) == 0


@pytest.mark.parametrize("clear", [clear_one_layer, clip_only])
def test_gradients_that_are_left_somewhere_are_stale(clear):
    assert stale_steps(clear) == 4


def test_backward_passes_whose_gradients_are_thrown_away_are_counted():
    parameter = nn.Parameter(torch.ones(3))
    optimizer = torch.optim.SGD([parameter], lr=0.1)
    ledger = Ledger(optimizer, 0)
    counts = []
    for _ in range(2):
        for _ in range(5):
            optimizer.zero_grad()
            ledger.before_backward()
            parameter.sum().backward()
            ledger.after_backward()
        optimizer.step()
        row = StepRow(1)
        ledger.after_step(row)
        ledger.turn()
        counts.append((row.own_backwards, row.wasted_backwards))
    # Which gradient to look at is only known after the first step.
    assert counts == [(5, 0), (5, 4)]


class Own(nn.Module):
    def forward(self, x):
        return nn.functional.dropout(x, training=self.training)


@pytest.mark.parametrize(
    ("module", "follows"),
    [
        (nn.Dropout(0.1), True),
        (nn.Dropout(0.0), False),
        (nn.BatchNorm1d(3), True),
        (nn.BatchNorm1d(3, track_running_stats=False), False),
        (nn.LayerNorm(3), False),
        (nn.GRU(3, 3, 2, dropout=0.1), True),
        (nn.GRU(3, 3), False),
        (nn.Sequential(nn.Dropout(0.1)), False),
        (Own(), True),
    ],
)
def test_modules_that_follow_the_mode_are_known(module, follows):
    assert follows_mode(module) is follows
