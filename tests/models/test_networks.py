"""What every registered network must do."""

import copy

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from thalweg.errors import SettingError, ShapeError, UnknownNameError
from thalweg.models import build, networks, recipe_of
from thalweg.models._registry import Recipe

SHAPES = [
    (1,),
    (30,),
    (1, 8, 8),
    (3, 8, 8),
    (1, 28, 28),
    (3, 31, 31),
    (1, 32, 32),
    (3, 45, 45),
    (1, 28, 45),
]
IMAGES_ONLY = ("lenet", "lenet_caffe", "convnet")

every_network = pytest.mark.parametrize("name", networks.names())
every_fit = pytest.mark.parametrize(
    ("name", "shape"),
    [
        (name, shape)
        for name in networks.names()
        for shape in SHAPES
        if len(shape) == 3 or name not in IMAGES_ONLY
    ],
    ids=lambda value: "×".join(map(str, value)) if isinstance(value, tuple) else value,
)


def make(name: str, shape: tuple[int, ...] = (1, 8, 8), seed: int = 0) -> nn.Module:
    outputs = 1 if name == "perceptron" else 3
    return Recipe(name, shape, outputs, seed, {}).build()


def loss_of(network: nn.Module, inputs: torch.Tensor) -> torch.Tensor:
    output = network(inputs)
    if output.shape[1] == 1:
        return F.binary_cross_entropy_with_logits(output[:, 0], torch.ones(len(output)))
    return F.cross_entropy(output, torch.arange(len(output)) % 3)


def weights_of(network: nn.Module) -> list[torch.Tensor]:
    return [each.clone() for each in network.state_dict().values()]


@every_fit
def test_one_step_of_training_changes_the_loss(name, shape):
    network, inputs = make(name, shape), torch.ones(4, *shape)
    assert network(inputs).shape == (4, 1 if name == "perceptron" else 3)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1)
    before = loss_of(network, inputs)
    before.backward()
    gradients = [each.grad for each in network.parameters()]
    assert all(each is not None and each.isfinite().all() for each in gradients)
    optimizer.step()
    assert loss_of(network, inputs).item() != before.item()


@every_fit
@pytest.mark.parametrize("training", [True, False])
def test_a_batch_of_one_is_as_good_as_any(name, shape, training):
    network = make(name, shape).train(training)
    loss = loss_of(network, torch.ones(1, *shape))
    loss.backward()
    assert loss.isfinite()


@every_network
def test_a_state_dict_gives_the_same_network_back(name):
    network, other = make(name), make(name, seed=1)
    inputs = torch.randn(4, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    network(inputs)  # batch normalization has moments to keep
    other.load_state_dict(network.state_dict())
    assert torch.equal(network.eval()(inputs), other.eval()(inputs))


@every_network
def test_the_seed_alone_says_the_weights_and_no_global_state_changes(name):
    torch.manual_seed(1)
    state = torch.get_rng_state()
    first = weights_of(make(name, seed=3))
    assert torch.equal(torch.get_rng_state(), state)
    torch.manual_seed(2)
    assert all(map(torch.equal, first, weights_of(make(name, seed=3))))


@pytest.mark.parametrize("name", ["mlp", *IMAGES_ONLY])
def test_another_seed_gives_other_weights(name):
    first, second = (next(make(name, seed=seed).parameters()) for seed in (0, 1))
    assert not torch.equal(first, second)


@every_network
def test_evaluation_is_deterministic_and_does_not_mix_examples(name):
    options = {"dropout": 0.5} if name in ("mlp", "convnet") else {}
    network = Recipe(name, (1, 8, 8), 1, 0, options).build().eval()
    inputs = torch.randn(4, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    whole = network(inputs)
    assert torch.equal(network(inputs), whole)
    torch.testing.assert_close(torch.cat([network(each) for each in inputs.split(1)]), whole)


@every_network
def test_a_network_knows_its_recipe_and_can_be_copied(name):
    network = make(name, seed=5)
    recipe = recipe_of(copy.deepcopy(network))
    assert recipe is not None
    assert all(map(torch.equal, weights_of(recipe.build()), weights_of(network)))


@every_network
def test_an_unknown_option_is_refused(name):
    with pytest.raises(SettingError, match=f"'{name}'"):
        build(name, outputs=1, channels=1, size=8, wdth=3)


@every_network
def test_a_network_is_described_in_one_line(name):
    summary = networks.entry(name).summary
    assert summary
    assert "\n" not in summary


@pytest.mark.parametrize("name", IMAGES_ONLY)
def test_a_network_for_images_refuses_what_is_none(name):
    with pytest.raises(ShapeError, match=r"takes images .* shape 30\. Use 'mlp'"):
        build(name, classes=3, features=30)


def test_an_unknown_network_is_met_with_the_nearest_one():
    with pytest.raises(UnknownNameError, match="Did you mean 'lenet'"):
        build("lenett", classes=10, channels=1, size=28)
