"""Averaged weights against torch's own averages, and against arithmetic."""

import copy
import math
import os
import signal

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.optim.swa_utils import AveragedModel

import thalweg as tw
from thalweg.train import _checkpoint, _loop
from thalweg.train._average import Average

DECAY = 0.6
SETTINGS = {
    "epochs": 3,
    "batch_size": 16,
    "learning_rate": 0.1,
    "optimizer": "sgd",
    "schedule": "constant",
    "weight_decay": 0.0,
    "fused": False,
    "progress": False,
    "ema": DECAY,
}


class PowerCutError(Exception):
    """The end, in the middle of a step."""


def network(dropout: float = 0.0) -> nn.Module:
    torch.manual_seed(5)
    return nn.Sequential(
        nn.Linear(4, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(dropout), nn.Linear(16, 3)
    )


def by_hand(model: nn.Module, data, epochs: int) -> tuple[AveragedModel, list[float]]:
    """Train with torch alone; return its averaged network and the validation losses of that."""
    count = 0

    def mean(averages, weights, _):
        decay = min(DECAY, (1 + count) / (10 + count))
        torch._foreach_lerp_(averages, weights, 1 - decay)

    averaged = AveragedModel(model, multi_avg_fn=mean)
    averaged.update_parameters(model)  # The first call copies.
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    losses = []
    for epoch in range(epochs):
        rows = tw.train._batches.order(len(data.train), 0, epoch)
        model.train()
        for chosen in rows.split(16):
            optimizer.zero_grad()
            F.cross_entropy(model(data.train.inputs[chosen]), data.train.targets[chosen]).backward()
            optimizer.step()
            count += 1
            averaged.update_parameters(model)
        averaged.eval()
        with torch.no_grad():
            output = averaged(data.valid.inputs)
        losses.append(float(F.cross_entropy(output, data.valid.targets)))
    return averaged, losses


def assert_same(model: nn.Module, other: nn.Module) -> None:
    state = other.state_dict()
    for name, value in model.state_dict().items():
        assert torch.equal(value, state[name]), name


def test_the_average_of_one_number_is_what_a_reader_computes():
    model = nn.Linear(1, 1, bias=False)
    with torch.no_grad():
        model.weight.fill_(0.0)
    average = Average(model, 0.25)
    expected = 0.0
    for step, weight in enumerate([11.0, 4.0, -2.0, 8.0], start=1):
        with torch.no_grad():
            model.weight.fill_(weight)
        average.update(step)
        # 2/11, 3/12, 4/13, 5/14: from the second step on the decay itself is smaller.
        decay = [2 / 11, 0.25, 0.25, 0.25][step - 1]
        expected = decay * expected + (1 - decay) * weight
        assert float(average.weights["weight"]) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("restore_best", [False, True])
def test_validates_keeps_and_ends_with_what_torch_averages(three_classes, restore_best):
    model = network()
    averaged, losses = by_hand(copy.deepcopy(model), three_classes, 3)
    run = tw.fit(model, three_classes, out="run", restore_best=restore_best, **SETTINGS)
    assert run.history.column("valid_loss") == pytest.approx(losses, rel=1e-5)
    if restore_best and min(losses) < losses[-1]:
        pytest.fail("the last epoch is to be the best, so that there is something to compare with")
    ends = averaged.module.state_dict()
    for name, value in run.model.state_dict().items():
        torch.testing.assert_close(value, ends[name], rtol=1e-5, atol=1e-6)
    assert tw.Run.load("run", network()).model[0].weight.equal(run.model[0].weight)


def test_the_weights_that_are_trained_are_not_those_averaged(three_classes):
    """The losses of the steps are those of a training without an average, to the bit."""
    with_average = tw.fit(network(), three_classes, out="with", **SETTINGS)
    without = tw.fit(network(), three_classes, out="without", **{**SETTINGS, "ema": None})
    assert with_average.history.steps == without.history.steps
    assert with_average.history.epochs != without.history.epochs


def test_inside_the_block_the_network_is_the_average_and_after_it_itself_even_after_an_error():
    model = network()
    average = Average(model, 0.5)
    first = {name: value.clone() for name, value in model.state_dict().items()}
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(1.0)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    with pytest.raises(ValueError, match="inside"), average.in_place():
        for name, parameter in model.named_parameters():
            assert torch.equal(parameter, first[name])
        raise ValueError("inside")
    for name, value in model.state_dict().items():
        assert torch.equal(value, before[name]), name


@pytest.mark.parametrize(
    "changes",
    [
        {"restore_best": True, "checkpoint_every": 2},
        {"restore_best": False, "checkpoint_every": 1, "accumulate": 2},
    ],
)
def test_cut_at_any_step_it_goes_on_to_the_same_bits(three_classes, monkeypatch, changes):
    settings = {**SETTINGS, "optimizer": "adamw", "learning_rate": 0.01, "epochs": 2, **changes}
    calm = tw.fit(network(0.4), three_classes, out="calm", **settings)
    update = _loop.update
    for at in (0, 1, 5, 6, 9, 11):  # An epoch has six steps.
        taken = 0

        def failing(*arguments, at=at):
            nonlocal taken
            taken += 1
            if taken > at:
                raise PowerCutError
            return update(*arguments)

        with monkeypatch.context() as patch:
            patch.setattr(_loop, "update", failing)
            with pytest.raises(PowerCutError):
                tw.fit(network(0.4), three_classes, out=f"cut-{at}", **settings)
        again = tw.resume(f"cut-{at}", three_classes, network(0.4), progress=False)
        assert_same(again.model, calm.model)
        assert (again.history, again.status) == (calm.history, calm.status)


def test_a_checkpoint_holds_the_weights_and_their_average(three_classes, monkeypatch, tmp_path):
    """An interrupted network has the average, and goes on from its own weights."""
    update = _loop.update

    def interrupting(plan, state, *rest):
        if state.step == 4:
            os.kill(os.getpid(), signal.SIGINT)
        return update(plan, state, *rest)

    model = network()
    with monkeypatch.context() as patch:
        patch.setattr(_loop, "update", interrupting)
        with pytest.raises(KeyboardInterrupt):
            tw.fit(model, three_classes, out="run", **SETTINGS)
    newest = _checkpoint.checkpoints(tmp_path / "run" / "checkpoint")[0]
    tensors = _checkpoint._read(newest).tensors
    raw, average = tensors["model/0.weight"], tensors["average/0.weight"]
    assert not torch.equal(raw, average)
    assert torch.equal(model[0].weight, average)
    calm = tw.fit(network(), three_classes, out="calm", **SETTINGS)
    assert_same(tw.resume("run", three_classes, network(), progress=False).model, calm.model)


def test_images_with_channels_innermost_are_averaged_in_their_layout():
    data, ends = tw.load("digits"), []
    for channels_last in (True, False):
        run = tw.fit(
            tw.build("convnet", data, widths=[4], seed=3),
            data,
            out=f"run-{channels_last}",
            channels_last=channels_last,
            restore_best=False,
            **{**SETTINGS, "epochs": 1, "batch_size": 128},
        )
        ends.append(torch.cat([value.flatten() for value in run.model.state_dict().values()]))
    torch.testing.assert_close(*ends, rtol=1e-3, atol=1e-5)
    kernel = torch.zeros(2, 3, 5, 5).to(memory_format=torch.channels_last)
    model = nn.Conv2d(3, 2, 5)
    model.weight = nn.Parameter(kernel)
    assert Average(model, 0.9).weights["weight"].stride() == kernel.stride()


def test_without_it_nothing_is_averaged(three_classes, monkeypatch):
    monkeypatch.setattr(Average, "__init__", lambda *_: pytest.fail("made"))
    run = tw.fit(network(), three_classes, out="run", **{**SETTINGS, "ema": None})
    assert math.isfinite(run.history.column("valid_loss")[-1])
