"""Looking at a network leaves no trace."""

import pytest
import torch
from torch import nn

from thalweg._core.modes import evaluating


def network() -> nn.Module:
    return nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2), nn.Dropout(0.5))


def test_inside_everything_is_in_evaluation_mode_without_gradients():
    model = network()
    with evaluating(model) as device:
        assert device == torch.device("cpu")
        assert not any(module.training for module in model.modules())
        assert not model(torch.randn(4, 2)).requires_grad


@pytest.mark.parametrize("fails", [False, True])
def test_afterwards_each_module_has_its_own_mode_again(fails):
    model = network()
    model[1].eval()  # As who fine-tunes with frozen moments has it.
    modes = [module.training for module in model.modules()]
    buffers = {name: value.clone() for name, value in model.named_buffers()}
    try:
        with evaluating(model):
            model(torch.randn(4, 2))
            if fails:
                raise ValueError
    except ValueError:
        assert fails
    assert [module.training for module in model.modules()] == modes
    assert torch.is_grad_enabled()
    for name, value in model.named_buffers():
        assert torch.equal(value, buffers[name]), name


def test_the_random_state_is_as_before_and_repeatable_inside():
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    drawn = []
    for _ in range(2):
        with evaluating(network()):
            drawn.append(torch.rand(2))
    torch.manual_seed(3)
    with evaluating(nn.Identity()) as device:
        torch.rand(5)
    assert device == torch.device("cpu")
    assert torch.equal(torch.rand(2), expected)
    assert torch.equal(drawn[0], drawn[1])
