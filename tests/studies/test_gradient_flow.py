import xml.etree.ElementTree as ET
from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import nn

from thalweg.errors import SettingError, UnknownNameError
from thalweg.studies import gradient_flow
from thalweg.studies._gradient_flow import _squares


def one(activation, initialization, depth, has_skips=False, **options):
    (flow,) = gradient_flow([activation], [initialization], [depth], [has_skips], **options).flows
    return flow


def test_a_sigmoid_passes_on_a_quarter_at_most():
    # Orthogonal weights keep lengths, so that what is lost is the sigmoid's slope.
    flow = one("sigmoid", "orthogonal", 20)
    assert all(earlier <= later / 4 for earlier, later in pairwise(flow.gradients))
    assert flow.verdict == "vanishes"


def test_a_linear_network_of_orthogonal_weights_loses_nothing():
    assert one("identity", "orthogonal", 50).gradients == pytest.approx([1.0] * 50)


def test_each_activation_flows_under_the_weights_that_suit_it():
    assert one("relu", "kaiming", 50).factor == pytest.approx(1, abs=0.05)
    assert one("tanh", "xavier", 50).factor == pytest.approx(1, abs=0.05)
    # Xavier's weights have half the variance that ReLU needs.
    assert one("relu", "xavier", 50).factor == pytest.approx(0.5**0.5, abs=0.03)
    assert one("relu", "xavier", 50).verdict == "vanishes"


def test_skips_carry_the_gradient_through_sigmoids():
    assert one("sigmoid", "xavier", 50).verdict == "vanishes"
    assert one("sigmoid", "xavier", 50, has_skips=True).verdict == "flows"
    assert one("relu", "kaiming", 50, has_skips=True).verdict == "explodes"


def test_gradients_are_those_of_backpropagation_written_out():
    torch.manual_seed(0)
    layers = nn.ModuleList([nn.Linear(3, 3) for _ in range(4)]).double()
    torch.manual_seed(1)
    found = _squares(layers, nn.Tanh(), False, 3)
    torch.manual_seed(1)
    signals = [torch.randn(32, 3, dtype=torch.float64).numpy()]
    weights = [(each.weight.detach().numpy(), each.bias.detach().numpy()) for each in layers]
    for weight, bias in weights:
        signals.append(np.tanh(signals[-1] @ weight.T + bias))
    gradient = torch.randn(32, 3, dtype=torch.float64).numpy()
    expected = [np.square(gradient).mean()]
    for (weight, _), signal in list(zip(weights, signals[1:], strict=True))[:0:-1]:
        gradient = (gradient * (1 - signal**2)) @ weight
        expected.insert(0, np.square(gradient).mean())
    np.testing.assert_allclose(found.numpy(), expected)


def test_every_kind_is_there_once_and_zeros_only_when_asked_for():
    found = gradient_flow(["relu"], None, [2, 3], networks=1, width=4)
    kinds = [(each.initialization, each.depth, each.has_skips) for each in found.flows]
    assert len(set(kinds)) == len(kinds) == 7 * 2 * 2
    assert one("tanh", "zeros", 3, networks=1).gradients[0] == 0.0


def test_the_same_seed_gives_the_same_study():
    state = torch.get_rng_state()
    assert one("relu", "kaiming", 5) == one("relu", "kaiming", 5)
    assert one("relu", "kaiming", 5) != one("relu", "kaiming", 5, seed=1)
    assert torch.equal(torch.get_rng_state(), state)


def test_pictures_have_a_panel_for_each_activation(tmp_path):
    found = gradient_flow(["sigmoid", "relu"], ["xavier", "kaiming"], [2, 5], networks=1, width=8)
    for against in ("layer", "depth"):
        tree = ET.parse(found.picture(tmp_path / f"{against}.svg", against=against))
        words = [each.text for each in tree.iter() if each.tag.endswith("text")]
        assert {f"relu, plain: {against}", f"sigmoid, with skips: {against}"} <= set(words)
        assert sum(each.get("stroke-width") == "2.00" for each in tree.iter()) == 8


def test_table_and_data_have_a_row_for_each_kind():
    found = gradient_flow(["tanh"], ["lecun"], [2, 3], networks=1, width=8)
    assert len(str(found).splitlines()) == 1 + 4
    assert [each["verdict"] for each in found.to_json()] == ["flows"] * 4


def test_bad_settings_are_told():
    with pytest.raises(SettingError, match="at least 2"):
        gradient_flow(depths=[1])
    with pytest.raises(SettingError, match="at least 2"):
        gradient_flow(depths=[])
    with pytest.raises(UnknownNameError, match="Did you mean 'relu'"):
        gradient_flow(["rellu"], depths=[2])
