"""Before training: what a dozen steps on a copy can tell."""

import pytest
import torch
from torch import nn

import thalweg as tw
from thalweg.errors import SettingError, ShapeError


@pytest.fixture
def batch():
    draw = torch.Generator().manual_seed(0)
    x = torch.randn(48, 6, generator=draw)
    return x, x[:, :3].argmax(1)


def network(*last: nn.Module) -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 3), *last)


def test_a_sound_network_passes_and_is_not_touched(batch):
    model = network()
    before = [each.clone() for each in model.parameters()]
    state = torch.get_rng_state()
    assert tw.preflight(model, batch, nn.CrossEntropyLoss()).healthy
    assert all(now.equal(then) for now, then in zip(model.parameters(), before, strict=True))
    assert torch.get_rng_state().equal(state)
    assert all(each.grad is None for each in model.parameters())


def test_what_is_wrong_is_known_before_the_first_step(batch):
    found = tw.preflight(network(nn.Softmax(dim=1)), batch, nn.CrossEntropyLoss())
    assert [each.fault for each in found.findings] == ["double-softmax"]
    model = network()
    optimizer = torch.optim.SGD(model[0].parameters(), lr=0.1)
    found = tw.preflight(model, batch, nn.CrossEntropyLoss(), optimizer)
    assert [each.fault for each in found.findings] == ["not-in-optimizer"]


def test_what_shows_later_is_said_to_be_unchecked(batch):
    found = tw.preflight(network(), batch, nn.CrossEntropyLoss())
    assert "overfitting" in found.unchecked
    assert "double-softmax" not in found.unchecked


def test_what_does_not_fit_is_told(batch):
    with pytest.raises(ShapeError, match="cannot take the batch"):
        tw.preflight(nn.Linear(5, 3), batch, nn.CrossEntropyLoss())
    with pytest.raises(SettingError, match="must be one number"):
        tw.preflight(network(), batch, nn.CrossEntropyLoss(reduction="none"))
    with pytest.raises(SettingError, match="no trainable parameters"):
        tw.preflight(network().requires_grad_(False), batch, nn.CrossEntropyLoss())
