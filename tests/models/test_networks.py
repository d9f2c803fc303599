"""What every registered network must do."""

import copy

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from thalweg.errors import SettingError, ShapeError, UnknownNameError
from thalweg.models import build, networks, recipe_of
from thalweg.models._registry import Recipe
from thalweg.nn import Auxiliary

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
# Networks for photographs, and the least height and width that each can take.
LEAST = {
    "alexnet": 63,
    "alexnet_owt": 63,
    "zfnet": 63,
    **dict.fromkeys((name for name in networks.names() if name.startswith("vgg")), 32),
    "googlenet": 31,
    "googlenet_3x3": 15,
    "inception_v3": 75,
    **dict.fromkeys((name for name in networks.names() if name.startswith("resnet")), 1),
    "mobilenet": 1,
    "mobilenet_v2": 1,
}
# Of each family of large networks some stand for all.
STANDING_FOR_ALL = (
    "alexnet_owt",
    "vgg11_bn",
    "googlenet",
    "googlenet_3x3",
    "inception_v3",
    "resnet18",
    "resnet50",
    "mobilenet",
    "mobilenet_v2",
)
FITTED = [name for name in networks.names() if name not in LEAST or name in STANDING_FOR_ALL]
SMALL = [name for name in FITTED if name not in ("alexnet_owt", "vgg11_bn", "inception_v3")]


def shapes(name: str) -> list[tuple[int, ...]]:
    if name in LEAST:
        least = max(LEAST[name], 8)
        large = (1, least + 9, least + 4)
        return [large] if name not in SMALL else [(3, least, least), large]
    return [shape for shape in SHAPES if len(shape) == 3 or name not in IMAGES_ONLY]


every_network = pytest.mark.parametrize("name", SMALL)
every_fit = pytest.mark.parametrize(
    ("name", "shape"),
    [(name, shape) for name in FITTED for shape in shapes(name)],
    ids=lambda value: "×".join(map(str, value)) if isinstance(value, tuple) else value,
)


def make(name: str, shape: tuple[int, ...] | None = None, seed: int = 0) -> nn.Module:
    outputs = 1 if name == "perceptron" else 3
    return Recipe(name, shape or usual(name), outputs, seed, {}).build()


def usual(name: str) -> tuple[int, ...]:
    side = max(8, LEAST.get(name, 0))
    return (1, side, side)


def loss_of(network: nn.Module, inputs: torch.Tensor) -> torch.Tensor:
    output = network(inputs)
    if isinstance(output, Auxiliary):
        output = output.main + sum(output.heads)
    if output.shape[1] == 1:
        return F.binary_cross_entropy_with_logits(output[:, 0], torch.ones(len(output)))
    return F.cross_entropy(output, torch.arange(len(output)) % 3)


def weights_of(network: nn.Module) -> list[torch.Tensor]:
    return [each.clone() for each in network.state_dict().values()]


@every_fit
def test_one_step_of_training_changes_the_loss(name, shape):
    # Batch normalization of examples all alike makes gradients infinite.
    network, inputs = make(name, shape), torch.randn(4, *shape)
    assert network.eval()(inputs).shape == (4, 1 if name == "perceptron" else 3)
    network.train()
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
    inputs = torch.randn(4, *usual(name), generator=torch.Generator().manual_seed(0))
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
    network = Recipe(name, usual(name), 1, 0, options).build().eval()
    inputs = torch.randn(4, *usual(name), generator=torch.Generator().manual_seed(0))
    whole = network(inputs)
    assert torch.equal(network(inputs), whole)
    alone = torch.cat([network(each) for each in inputs.split(1)])
    torch.testing.assert_close(alone, whole, rtol=1e-4, atol=1e-5)


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


@pytest.mark.parametrize(("name", "least"), LEAST.items())
def test_images_too_small_are_refused_with_the_size_that_is_needed(name, least):
    with pytest.raises(ShapeError, match=rf"'{name}' needs images of at least {least}×{least} "):
        networks[name](outputs=3, channels=3, size=(least - 1, 300))


@pytest.mark.parametrize("name", [name for name in FITTED if name in LEAST])
def test_every_size_from_the_least_on_leaves_something(name):
    for side in range(LEAST[name], LEAST[name] + 50, 7):
        with torch.device("meta"):
            network = networks[name](outputs=3, channels=1, size=(side, side + 1)).eval()
            assert network(torch.zeros(2, 1, side, side + 1)).shape == (2, 3)


@pytest.mark.parametrize("name", networks.names())
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
