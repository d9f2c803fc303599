import pytest
import torch

from thalweg.errors import SettingError
from thalweg.models import build, networks


def test_a_linear_network_computes_wx_plus_b_from_zeros():
    network = build("linear", outputs=3, features=4)
    inputs = torch.arange(8.0).reshape(2, 4)
    assert torch.equal(network(inputs), torch.zeros(2, 3))
    network.load_state_dict({"output.weight": torch.ones(3, 4), "output.bias": torch.ones(3)})
    assert torch.equal(network(inputs), torch.tensor([[7.0] * 3, [23.0] * 3]))


def test_logistic_is_another_name_of_linear():
    assert networks["logistic"] is networks["linear"]


def test_a_perceptron_gives_z_and_names_its_task():
    network = build("perceptron", outputs=1, features=2)
    network.load_state_dict(
        {"unit.weight": torch.tensor([[2.0, -1.0]]), "unit.bias": torch.ones(1)}
    )
    assert network(torch.tensor([[3.0, 4.0]])).item() == 3.0
    assert network.task == "perceptron"


def test_a_perceptron_of_several_outputs_is_refused():
    with pytest.raises(SettingError, match="but 3 outputs are needed"):
        build("perceptron", classes=3, features=2)
