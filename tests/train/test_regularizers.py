"""The penalty's gradient against autograd's."""

import copy

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from thalweg.train._regularizers import Penalty


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.ReLU(), nn.Flatten(), nn.Linear(8, 3)
    )


@pytest.mark.parametrize(("l1", "l2"), [(0.1, 0.0), (0.0, 0.2), (0.1, 0.2)])
def test_agrees_with_autograd_of_the_elastic_net(l1, l2):
    ours = network()
    with torch.no_grad():
        ours[4].weight[0, :3] = 0.0  # Where |w| has a kink, both take the slope zero.
    theirs = copy.deepcopy(ours)
    inputs, targets = torch.randn(5, 1, 4, 4), torch.tensor([0, 1, 2, 0, 1])

    F.cross_entropy(ours(inputs), targets).backward()
    Penalty(ours, l1, l2).add_gradient()

    weights = [theirs[0].weight, theirs[4].weight]  # Neither biases nor the normalization.
    penalty = sum(l1 * each.abs().sum() + l2 * each.square().sum() for each in weights)
    (F.cross_entropy(theirs(inputs), targets) + penalty).backward()

    for name, parameter in theirs.named_parameters():
        torch.testing.assert_close(ours.get_parameter(name).grad, parameter.grad)


def test_leaves_alone_what_got_no_gradient_or_is_frozen():
    model = network()
    model[0].requires_grad_(False)
    penalty = Penalty(model, l1=1.0, l2=1.0)
    penalty.add_gradient()
    assert all(parameter.grad is None for parameter in model.parameters())
    model[4](torch.randn(2, 8)).sum().backward()
    expected = model[4].bias.grad.clone()
    penalty.add_gradient()
    assert model[0].weight.grad is None
    assert torch.equal(model[4].bias.grad, expected)


def test_does_not_change_the_weights():
    model = network()
    before = copy.deepcopy(model.state_dict())
    for parameter in model.parameters():
        parameter.grad = torch.zeros_like(parameter)
    Penalty(model, l1=1.0, l2=1.0).add_gradient()
    for name, value in model.state_dict().items():
        assert torch.equal(value, before[name])
