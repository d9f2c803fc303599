import numpy as np
import pytest
import torch
from torch import nn

import thalweg as tw
from thalweg.errors import DataError, SettingError, ShapeError
from thalweg.models import build, default_network, networks, recipe_of

RANDOM = np.random.default_rng(0)
ROWS = RANDOM.normal(size=(60, 4)).astype(np.float32)


def table(targets: object) -> tw.data.Splits:
    return tw.data.load(ROWS, targets)


@pytest.mark.parametrize(
    ("targets", "outputs"),
    [
        (np.arange(60) % 2, 1),
        (np.arange(60) % 3, 3),
        (ROWS[:, 0] ** 3, 1),
        (ROWS[:, :2] ** 3, 2),
        ((ROWS[:, :3] > 0).astype(int), 3),
    ],
    ids=["two classes", "three classes", "number", "two numbers", "labels"],
)
def test_the_data_say_the_shape_of_inputs_and_outputs(targets, outputs):
    network = build("mlp", table(targets))
    assert network(torch.zeros(5, 4)).shape == (5, outputs)


def test_the_outputs_can_be_chosen_beside_the_data():
    assert build("mlp", table(np.arange(60) % 2), outputs=2)(torch.zeros(1, 4)).shape == (1, 2)


def test_sizes_beside_the_data_are_refused():
    with pytest.raises(SettingError, match="features is known from the data"):
        build("mlp", table(np.arange(60) % 2), features=4)


@pytest.mark.parametrize("targets", [np.arange(60) % 3, ROWS[:, 0] ** 3])
def test_a_perceptron_needs_a_target_of_two_classes(targets):
    with pytest.raises(DataError, match="needs a target of two classes"):
        build("perceptron", table(targets))


def test_without_data_a_perceptron_has_one_output_for_two_classes():
    assert build("perceptron", classes=2, features=4)(torch.zeros(3, 4)).shape == (3, 1)
    with pytest.raises(SettingError, match="3 outputs are needed"):
        build("perceptron", classes=3, features=4)


def test_without_data_sizes_are_named():
    images = build("lenet", classes=10, channels=3, size=(28, 40))
    assert images(torch.zeros(1, 3, 28, 40)).shape == (1, 10)
    assert build("mlp", outputs=1, channels=1, size=8)(torch.zeros(2, 1, 8, 8)).shape == (2, 1)


@pytest.mark.parametrize(
    "sizes",
    [
        {},
        {"classes": 3},
        {"features": 3},
        {"classes": 3, "outputs": 3, "features": 3},
        {"classes": 3, "channels": 1},
        {"classes": 3, "features": 3, "size": 8},
        {"classes": 0, "features": 3},
        {"classes": 3, "channels": 1, "size": (8, 0)},
        {"classes": 3, "channels": 1, "size": (3, 8, 8)},
    ],
)
def test_missing_or_contradicting_sizes_are_refused_in_one_line(sizes):
    with pytest.raises(SettingError) as error:
        build("mlp", **sizes)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("name", "given", "outputs", "channels"),
    [
        ("resnet18", {}, 1000, 3),
        ("resnet18", {"classes": 7, "size": 32}, 7, 3),
        ("lenet", {}, 10, 1),
        ("lenet", {"outputs": 4, "channels": 3}, 4, 3),
    ],
)
def test_a_network_of_images_is_by_default_what_it_was_made_for(name, given, outputs, channels):
    weights = list(tw.models.sketch(name, **given).state_dict().values())
    assert weights[0].shape[1] == channels
    assert weights[-1].shape == (outputs,)


def test_images_where_a_network_needs_them():
    with pytest.raises(ShapeError, match="takes images"):
        build("convnet", table(np.arange(60) % 2))


def test_a_network_registered_by_a_user_is_like_any_other():
    @networks.register("users_own", summary="a test")
    class Own(nn.Module):
        def __init__(self, *, outputs: int, channels: int, width: int = 4) -> None:
            super().__init__()
            self.layers = nn.Sequential(
                nn.Conv2d(channels, width, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten()
            )
            self.output = nn.Linear(width, outputs)

        def forward(self, images):
            return self.output(self.layers(images))

    try:
        network = build("users_own", classes=5, channels=3, size=9, width=2, seed=1)
        assert network(torch.zeros(2, 3, 9, 9)).shape == (2, 5)
        recipe = recipe_of(network)
        assert recipe is not None
        assert recipe.options == {"width": 2}
        with pytest.raises(SettingError, match="Did you mean 'width'"):
            build("users_own", classes=5, channels=3, size=9, wdth=2)
    finally:
        del networks._entries["users_own"]


def test_an_option_without_a_default_is_asked_for():
    @networks.register("users_own", summary="a test")
    def own(*, outputs: int, features: int, width: int) -> nn.Module:
        return nn.Linear(features, outputs * width)

    try:
        with pytest.raises(SettingError, match="'users_own' needs the option 'width'"):
            build("users_own", outputs=1, features=3)
    finally:
        del networks._entries["users_own"]


def test_a_module_made_elsewhere_has_no_recipe():
    assert recipe_of(nn.Linear(2, 1)) is None


@pytest.mark.parametrize(
    ("source", "name"),
    [("digits", "lenet"), ("iris", "mlp")],
)
def test_the_default_network_comes_with_its_reason(source, name):
    chosen, choice = default_network(tw.data.load(source).schema)
    assert chosen == name == choice.value
    assert choice.setting == "model"
    assert choice.reason


def test_colour_images_get_the_convolutional_network():
    schema = tw.data.load("digits").schema
    encoder = schema.encoder
    encoder.shape = (3, 32, 32)
    assert default_network(schema)[0] == "convnet"


def test_a_negative_seed_is_refused():
    with pytest.raises(SettingError, match="seed must be a whole number of at least 0, got -1"):
        build("mlp", table(np.arange(60) % 2), seed=-1)
