"""The finder touches nothing, finds a rate that trains, and may decline."""

import copy

import numpy as np
import torch
from torch import nn

import thalweg as tw


def test_leaves_the_network_and_the_random_state_as_they_were(three_classes):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Dropout(0.5), nn.Linear(8, 3))
    model[2].eval()
    model(torch.randn(8, 4)).sum().backward()
    before = copy.deepcopy(model)
    gradients = [each.grad.clone() for each in model.parameters()]
    torch.manual_seed(1)
    expected = torch.rand(2)
    torch.manual_seed(1)
    tw.find_learning_rate(model, three_classes)
    assert torch.equal(torch.rand(2), expected)
    for name, value in model.state_dict().items():
        assert torch.equal(value, before.state_dict()[name]), name
    assert all(map(torch.equal, gradients, (each.grad for each in model.parameters())))
    assert [m.training for m in model.modules()] == [m.training for m in before.modules()]


def test_suggests_a_rate_that_trains_better_than_one_a_thousand_times_smaller(three_classes):
    curve = tw.find_learning_rate(tw.build("mlp", three_classes), three_classes)
    assert curve.suggestion is not None
    losses = {}
    for rate in (curve.suggestion, curve.suggestion / 1000):
        run = tw.fit(
            tw.build("mlp", three_classes), three_classes, epochs=10, learning_rate=rate,
            out=f"run-{rate}", progress=False,
        )  # fmt: skip
        losses[rate] = run.history.column("train_loss")[-1]
    assert losses[curve.suggestion] < 0.8 * losses[curve.suggestion / 1000]


def test_declines_where_there_is_nothing_to_learn():
    draw = np.random.default_rng(0)
    data = tw.load(draw.normal(size=(2000, 4)), draw.integers(0, 2, size=2000))
    curve = tw.find_learning_rate(tw.build("linear", data), data, batch_size=64)
    assert curve.suggestion is None
    assert curve.confidence == 0
    assert "noise" in curve.reason


def test_declines_where_the_network_cannot_move(three_classes):
    class Still(nn.Module):
        def __init__(self):
            super().__init__()
            self.unused = nn.Parameter(torch.zeros(3))

        def forward(self, inputs):
            return inputs.new_zeros(len(inputs), 3) + 0 * self.unused

    assert tw.find_learning_rate(Still(), three_classes).suggestion is None


def test_find_as_a_setting_is_resolved_and_explained(three_classes):
    run = tw.fit(
        tw.build("mlp", three_classes), three_classes, epochs=2, learning_rate="find",
        out="run", progress=False,
    )  # fmt: skip
    choice = next(each for each in run.choices if each.setting == "learning_rate")
    assert run.settings.train.learning_rate == choice.value
    assert "smallest" in choice.reason
