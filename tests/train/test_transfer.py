"""What is frozen stays to the bit, what is trained moves, and rates fall with depth."""

import copy

import pytest
import torch
from torch import nn

import thalweg as tw
from thalweg import models
from thalweg.errors import SettingError
from thalweg.train._transfer import ordered_layers, transfer


@pytest.fixture(scope="module")
def data() -> tw.data.Splits:
    return tw.load("digits")


@pytest.fixture(scope="module")
def other() -> tw.data.Splits:
    pixels = torch.randint(0, 255, (60, 1, 8, 8), generator=torch.Generator().manual_seed(0))
    return tw.load(pixels.to(torch.uint8).numpy(), ["cat", "dog", "owl"] * 20)


def network(data: tw.data.Splits, seed: int = 3) -> nn.Module:
    return tw.build("convnet", data, widths=[4, 6, 8], seed=seed)


def fitted(model: nn.Module, data: tw.data.Splits, **settings: object) -> tw.Run:
    usual = {"epochs": 2, "batch_size": 16, "progress": False, "doctor": False}
    return tw.fit(model, data, **{**usual, **settings})


def state(model: nn.Module) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in model.state_dict().items()}


class Branching(nn.Module):
    """Defines its layers in another order than it calls them, and one of them never."""

    def __init__(self):
        super().__init__()
        self.last, self.first = nn.Linear(4, 3), nn.Linear(2, 4)
        self.norm, self.unused = nn.BatchNorm1d(4), nn.Linear(1, 1)
        self.scale = nn.Parameter(torch.ones(4))

    def forward(self, x):
        return self.last(torch.relu(self.norm(self.first(x))) * self.scale)


def test_layers_are_in_the_order_of_their_calls_with_their_normalizations():
    model = Branching()
    layers = ordered_layers(model, torch.zeros(2, 2))
    assert layers == [[model], [model.first, model.norm], [model.last, model.unused]]


@pytest.mark.parametrize(("tune", "trained"), [("head", 1), ("last:2", 2), ("last:4", 4)])
def test_frozen_layers_keep_every_bit_and_the_others_move(data, tune, trained):
    model = network(data)
    before, layers = state(model), ordered_layers(model, torch.zeros(2, 1, 8, 8))
    assert [len(layer) for layer in layers] == [2, 2, 2, 1]
    frozen = {id(each) for layer in layers[: 4 - trained] for part in layer for each in
              (*part.parameters(), *part.buffers())}  # fmt: skip
    names = dict((*model.named_parameters(), *model.named_buffers()))
    fitted(model, data, tune=tune, restore_best=False)
    for name, value in names.items():
        assert torch.equal(value, before[name]) == (id(value) in frozen), name


def test_all_that_was_trainable_is_so_again_after_training(data):
    model = network(data)
    model.stage1_1.conv.weight.requires_grad_(False)
    flags = [each.requires_grad for each in model.parameters()]
    fitted(model, data, tune="head", epochs=1)
    assert [each.requires_grad for each in model.parameters()] == flags


def test_rates_fall_by_the_same_factor_from_each_layer_to_the_one_before(data):
    # Plain descent moves a weight by its rate times its gradient.
    still = {"optimizer": "sgd", "schedule": "constant", "warmup": 0, "weight_decay": 0}
    moved = {}
    for decay in (None, 0.5):
        model = nn.Sequential(nn.Flatten(), nn.Linear(64, 9), nn.Tanh(), nn.Linear(9, 10))
        torch.manual_seed(0)
        for each in model.parameters():
            nn.init.normal_(each, std=0.1)
        before = state(model)
        fitted(
            model, data, layer_decay=decay, epochs=1, batch_size=1257, learning_rate=0.1, **still
        )
        moved[decay] = {name: value - before[name] for name, value in state(model).items()}
    for name, factor in {"1.weight": 0.5, "1.bias": 0.5, "3.weight": 1.0, "3.bias": 1.0}.items():
        torch.testing.assert_close(moved[0.5][name], factor * moved[None][name])


def test_groups_are_split_by_rate_and_still_by_decay(data):
    model = network(data)
    found = transfer(model, torch.zeros(2, 1, 8, 8), None, 0.5)
    assert sorted(set(found.scales.values())) == [0.125, 0.25, 0.5, 1.0]
    optimizer = tw.train.make_optimizer(
        model, "adamw", learning_rate=0.1, weight_decay=0.01, scales=found.scales
    )
    rows = {
        (group["scale"], group["weight_decay"], group["lr"]) for group in optimizer.param_groups
    }
    expected = {
        (scale, decay, 0.1 * scale) for scale in (1, 0.5, 0.25, 0.125) for decay in (0.01, 0)
    }
    assert rows == expected


def test_the_head_is_replaced_where_outputs_differ_and_only_there(data, other):
    run = fitted(network(data), data)
    body = state(run.model)
    again = fitted(copy.deepcopy(run.model), other, tune="head")
    assert again.model.output.out_features == 3
    assert [each.value for each in again.choices if each.setting == "head"] == ["new"]
    for name, value in again.model.state_dict().items():
        assert torch.equal(value, body[name]) == (not name.startswith("output")), name
    assert again.predict(torch.zeros(2, 1, 8, 8, dtype=torch.uint8)).classes == (
        "cat",
        "dog",
        "owl",
    )


def test_the_head_is_kept_for_the_same_classes_and_replaced_for_as_many_others(data):
    run = fitted(network(data), data)
    head = run.model.output.weight.clone()
    same = fitted(copy.deepcopy(run.model), data, tune="last:2", learning_rate=1e-12)
    assert not [each for each in same.choices if each.setting == "head"]
    torch.testing.assert_close(same.model.output.weight, head)
    letters = tw.load(data.train.inputs.numpy(), ["abcdefghij"[y] for y in data.train.targets])
    new = fitted(copy.deepcopy(run.model), letters, tune="last:2", learning_rate=1e-12)
    (choice,) = [each for each in new.choices if each.setting == "head"]
    assert choice.reason == "output: it was trained for other classes"


def test_a_run_from_its_folder_remembers_its_classes(data, other, tmp_path):
    run = fitted(network(data), data, out=tmp_path / "run")
    read = tw.Run.load(run.folder)
    letters = tw.load(data.train.inputs.numpy(), ["abcdefghij"[y] for y in data.train.targets])
    new = fitted(read.model, letters, tune="head", epochs=1)
    assert "head" in [each.setting for each in new.choices]


def test_the_head_of_any_network_is_replaced(other):
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 9), nn.ReLU(), nn.Linear(9, 10, bias=False))
    run = fitted(model, other, tune="all")
    assert (model[3].out_features, model[3].bias) == (3, None)
    assert run.model is model


def test_a_head_of_another_kind_is_left_to_the_user(other):
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 10), nn.LayerNorm(10))
    with pytest.raises(SettingError, match="no linear layer or convolution, but LayerNorm"):
        fitted(model, other, tune="head")


def test_a_single_layer_has_no_head_to_replace():
    with pytest.raises(SettingError, match="a single layer, which is its head too"):
        models.replace_head(nn.Linear(4, 2), 3, torch.zeros(1, 4))


def test_more_layers_than_there_are_are_refused(data, tmp_path):
    with pytest.raises(SettingError, match="would train 5 layers, and the network has 4"):
        fitted(network(data), data, tune="last:5", out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("tune", ["head", "last:2"])
def test_resumed_in_the_middle_it_ends_in_the_same_bits(data, tmp_path, tune):
    settings = {"tune": tune, "layer_decay": 0.5, "epochs": 3, "mirror": True}
    whole = fitted(network(data), data, **settings)
    stopped = Stopping(after=100)
    model = network(data)
    handle = model.register_forward_hook(stopped)
    with pytest.raises(KeyboardInterrupt):
        fitted(model, data, out=tmp_path / "run", checkpoint_every=30, **settings)
    handle.remove()
    resumed = tw.resume(tmp_path / "run", data, network(data), progress=False)
    for name, value in whole.model.state_dict().items():
        assert torch.equal(value, resumed.model.state_dict()[name]), name
    assert resumed.history.steps == whole.history.steps


class Stopping:
    """Interrupts a training in the middle of a step."""

    def __init__(self, after: int) -> None:
        self.calls, self.after = 0, after

    def __call__(self, module, given, output):
        self.calls += module.training
        if self.calls > self.after:
            raise KeyboardInterrupt
