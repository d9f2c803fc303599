"""The first steps on a copy: nothing else changes, and other steps are told from rounding."""

import copy
import dataclasses

import pytest
import torch
from torch import nn

import thalweg as tw
from thalweg.train._defaults import complete
from thalweg.train._trial import Trial, difference


@pytest.fixture
def subject():
    data = tw.load("iris")
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.2), nn.Linear(8, 3)
    )
    task, _ = tw.tasks.choose(data.schema.target, outputs=3)
    config, _ = complete(tw.train.Config(batch_size=16), model, data)
    return model, data, task, config


def test_network_modes_and_random_numbers_stay_as_they_were(subject):
    model = subject[0]
    before, mode = copy.deepcopy(model.state_dict()), model.training
    random, threads = torch.get_rng_state(), torch.get_num_threads()
    trial = Trial(*subject[:3], dataclasses.replace(subject[3], threads=1))
    trial.seconds(2)
    trial.outcome(3)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert model.training == mode
    assert all(parameter.grad is None for parameter in model.parameters())
    assert torch.equal(torch.get_rng_state(), random)
    assert torch.get_num_threads() == threads


def test_the_same_steps_lead_to_the_same_place(subject):
    once, again = Trial(*subject).outcome(3), Trial(*subject).outcome(3)
    assert once.losses == again.losses
    assert difference(once, again, again) is None


def test_steps_are_those_that_torch_takes(subject):
    model, data, task, config = subject
    model[3].p = 0.0
    trial = Trial(model, data, task, dataclasses.replace(config, optimizer="sgd"), steps=0)
    rows = trial.batches(2)
    reached = trial.outcome(2)
    optimizer = torch.optim.SGD(model.parameters(), lr=trial.rate, weight_decay=0.01)
    bare = [each for each in model.parameters() if each.ndim == 1]
    optimizer.param_groups[0]["params"] = [each for each in model.parameters() if each.ndim > 1]
    optimizer.add_param_group({"params": bare, "weight_decay": 0.0})
    inputs = data.schema.encoder.normalize(data.train.inputs)
    losses = []
    for chosen in rows:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(inputs[chosen]), data.train.targets[chosen])
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert reached.losses == pytest.approx(losses, rel=1e-5)
    for name, value in model.state_dict().items():
        torch.testing.assert_close(reached.weights[name].to(value.dtype), value)


class TestDifference:
    """What is rounding, and what is another step."""

    @pytest.fixture
    def reached(self, subject):
        subject[0][3].p = 0.0
        return Trial(*subject).outcome(3), Trial(*subject).outcome(3, shift=1)

    def test_the_same_batches_in_another_order_are_rounding(self, subject, reached):
        tried = Trial(*subject).outcome(3, shift=5)
        # A bias before a normalization has no gradient but rounding, and Adam follows that.
        assert difference(reached[0], reached[0], tried).startswith("'0.bias' ends ")
        assert difference(*reached, tried) is None

    def test_another_loss_is_named(self, reached):
        usual, turned = reached
        tried = dataclasses.replace(usual, losses=[usual.losses[0] * 1.01, *usual.losses[1:]])
        assert difference(usual, turned, tried).startswith("the loss of step 1 is ")
        tried = dataclasses.replace(usual, losses=[*usual.losses[:2], float("nan")])
        assert difference(usual, turned, tried).startswith("the loss of step 3 is nan")

    @pytest.mark.parametrize("wrong", ["sign", "missing", "half", "number"])
    def test_a_weight_that_went_elsewhere_is_named(self, reached, wrong):
        usual, turned = reached
        name = "4.weight"
        start = usual.weights[name] - usual.moved[name]
        share = {"sign": -1.0, "missing": 0.0, "half": 0.5, "number": float("nan")}[wrong]
        weights = {**usual.weights, name: start + share * usual.moved[name]}
        tried = dataclasses.replace(usual, weights=weights)
        assert difference(usual, turned, tried).startswith("'4.weight' ends ")

    def test_a_buffer_left_behind_is_named(self, reached):
        usual, turned = reached
        name = "1.num_batches_tracked"
        weights = {**usual.weights, name: usual.weights[name] - 1}
        found = difference(usual, turned, dataclasses.replace(usual, weights=weights))
        assert found.startswith("'1.num_batches_tracked' ends ")
