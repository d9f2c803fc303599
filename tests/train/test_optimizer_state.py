"""What an optimizer kept is accepted, and nothing that its kernels would run past."""

import copy

import pytest
import torch
from torch import nn

from thalweg.train import make_optimizer, optimizers
from thalweg.train._optimizer_state import check_entries

NAMES = [name for name in optimizers.names() if name != "lbfgs"]


class Odd(nn.Module):
    """Parameters of every number of axes; or matrices alone."""

    def __init__(self, only_matrices=False):
        super().__init__()
        shapes = [(4, 3)] if only_matrices else [(), (5,), (4, 3), (4, 2, 3), (2, 3, 3, 3)]
        self.all = nn.ParameterList(torch.ones(shape) for shape in shapes)


def stepped(name, steps=3, **options):
    torch.manual_seed(0)
    model = Odd(only_matrices=name == "muon")
    optimizer = make_optimizer(model, name, learning_rate=0.01, options=options)
    for _ in range(steps):
        for parameter in model.parameters():
            parameter.grad = torch.randn_like(parameter)
        optimizer.step()
    return optimizer, copy.deepcopy(optimizer.state_dict()["state"])


@pytest.mark.parametrize("name", [*NAMES, "momentum", "nesterov"])
@pytest.mark.parametrize("steps", [0, 1, 3])
def test_what_an_optimizer_keeps_is_accepted(name, steps):
    optimizer, entries = stepped(name, steps)
    check_entries(entries, optimizer)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("adamw", {"fused": True, "amsgrad": True}),
        ("adam", {"fused": True}),
        ("sgd", {"fused": True}),
    ],
)
def test_with_other_constants_too(name, options):
    optimizer, entries = stepped(name, **options)
    check_entries(entries, optimizer)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (torch.zeros(2), r"exp_avg of parameter 2 must be torch.float32 of shape \(2, 3, 3, 3\)"),
        (torch.zeros(()), "of shape"),
        (torch.zeros(3, 2, 3, 3), "of shape"),
        (torch.zeros(2, 3, 3, 3, dtype=torch.float64), "must be torch.float32"),
        ([0.0] * 54, "must be a tensor"),
        (None, "must be a tensor"),
    ],
)
def test_an_average_of_another_kind_is_refused(value, message):
    optimizer, entries = stepped("adamw", fused=True)
    entries[2]["exp_avg"] = value
    with pytest.raises(ValueError, match=message) as refused:
        check_entries(entries, optimizer)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("name", NAMES)
def test_no_tensor_of_another_size_passes(name):
    optimizer, entries = stepped(name)
    for number, entry in entries.items():
        for key, value in entry.items():
            if not isinstance(value, torch.Tensor):
                continue
            damaged = copy.deepcopy(entries)
            damaged[number][key] = torch.zeros(*value.shape, 9, dtype=value.dtype)
            with pytest.raises(ValueError, match=key):
                check_entries(damaged, optimizer)


def test_missing_and_unknown_entries_are_refused():
    optimizer, entries = stepped("adamw")
    missing, more = copy.deepcopy(entries), copy.deepcopy(entries)
    del missing[1]["step"]
    more[1]["hidden"] = torch.zeros(5)
    for each in (missing, more):
        with pytest.raises(ValueError, match="keeps exp_avg, exp_avg_sq, step of parameter 1"):
            check_entries(each, optimizer)


def test_a_search_along_a_line_keeps_what_it_likes():
    model = nn.Linear(3, 2)
    optimizer = make_optimizer(model, "lbfgs", learning_rate=1.0)
    optimizer.step(lambda: model(torch.ones(2, 3)).square().sum())
    check_entries(optimizer.state_dict()["state"], optimizer)
