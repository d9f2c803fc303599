"""What is not a number is found, named and never kept as the best."""

import math

import pytest
import torch
from torch import nn
from torch.nn import functional as F

import thalweg as tw
from thalweg.errors import DataError
from thalweg.train import _checkpoint
from thalweg.train._state import State

NAN = float("nan")
SETTINGS = {"epochs": 3, "batch_size": 32, "learning_rate": 0.01, "progress": False}
AT = 5
"""The step at which something turns bad: the second of the second epoch, with three in each."""


class PowerCutError(Exception):
    """The end, in the middle of a step."""


def network() -> nn.Module:
    torch.manual_seed(5)
    return nn.Sequential(nn.Linear(4, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 3))


def spoil_input(plan, state):
    plan.train.inputs = plan.train.inputs.clone().fill_(NAN)


def spoil_label(plan, state):
    plan.train.targets = torch.full_like(plan.train.targets, NAN)


def spoil_loss(plan, state):
    state.model.register_forward_hook(lambda module, inputs, output: output * NAN)


def spoil_weight(plan, state):
    with torch.no_grad():
        next(state.model.parameters())[0, 0] = NAN


def spoil_buffer(plan, state):
    next(state.model.buffers())[0] = NAN


def spoil_optimizer(plan, state):
    next(iter(state.optimizer.state.values()))["exp_avg"].fill_(math.inf)


def spoil(monkeypatch, how, at: int = AT) -> None:
    """Turn something bad right before a step."""
    update = tw.train._loop.update

    def spoiling(plan, state, *rest):
        if state.step == at - 1:
            how(plan, state)
        return update(plan, state, *rest)

    monkeypatch.setattr(tw.train._loop, "update", spoiling)


def is_finite(model: nn.Module) -> bool:
    return all(bool(value.isfinite().all()) for value in model.state_dict().values())


@pytest.mark.parametrize(
    ("how", "found"),
    [
        (spoil_input, AT),
        (spoil_loss, AT),
        (spoil_weight, AT),
        # The step itself has a sound loss, and breaks the weights.
        (spoil_optimizer, AT + 1),
    ],
)
def test_what_is_no_number_is_found_within_a_step_and_the_last_good_weights_stay(
    three_classes, monkeypatch, tmp_path, how, found
):
    with monkeypatch.context() as patch:
        spoil(patch, how)
        run = tw.fit(network(), three_classes, out="run", checkpoint_every=1, **SETTINGS)
    assert run.status.state == "diverged"
    assert run.status.reason == f"the loss became nan at step {found}"
    assert run.status.steps == found
    assert run.status.best_epoch == 1
    assert is_finite(run.model)
    assert is_finite(tw.Run.load("run", model=network()).model)
    assert "nan" in run.diagnosis.brief().lower()
    # The newest good checkpoint is the one before the step that broke.
    whole = {}
    for path in _checkpoint.checkpoints(tmp_path / "run" / "checkpoint"):
        tensors = _checkpoint._read(path).tensors
        own = [value for name, value in tensors.items() if name.startswith("model/")]
        whole[path.name] = all(bool(value.isfinite().all()) for value in own)
    assert whole[_checkpoint.checkpoint_name(AT - 1)]


def test_between_two_readings_the_step_is_named_all_the_same(three_classes, monkeypatch):
    """Losses are read all in one go, so that the device need not wait: the weights stay good."""
    spoil(monkeypatch, spoil_weight)
    run = tw.fit(network(), three_classes, out="run", **SETTINGS)
    assert run.status.reason == f"the loss became nan at step {AT}"
    assert run.status.best_epoch == 1
    assert is_finite(run.model)


STEADY = {"schedule": "constant", "warmup": 0, "restore_best": False}


@pytest.mark.parametrize("ema", [None, 0.5])
@pytest.mark.parametrize(("at", "good"), [(2, 0), (AT, 1), (8, 2)])
def test_without_the_best_a_run_that_fails_ends_with_the_last_weights_that_are_numbers(
    three_classes, monkeypatch, capsys, at, good, ema
):
    settings = {**SETTINGS, **STEADY, "ema": ema}
    with monkeypatch.context() as patch:
        spoil(patch, spoil_weight, at=at)
        run = tw.fit(network(), three_classes, out="run", **settings | {"progress": True})
    assert run.status.reason == f"the loss became nan at step {at}"
    assert run.status.best_epoch == good
    model = network()
    if good:
        tw.fit(model, three_classes, out="calm", **{**settings, "epochs": good})
    for name, value in run.model.state_dict().items():
        assert torch.equal(value, model.state_dict()[name]), name
    assert is_finite(tw.Run.load("run", model=network()).model)
    where = f"of epoch {good}" if good else "from before the first step"
    assert f"The weights are those {where}." in capsys.readouterr().err


@pytest.mark.parametrize("restore_best", [False, True])
@pytest.mark.parametrize("valid", [0.0, 0.3])
def test_weights_spoilt_by_the_last_step_of_all_are_not_ended_with(
    monkeypatch, three_classes, restore_best, valid
):
    """No loss has met them yet where nothing is validated."""
    inputs, targets = three_classes.train.inputs, three_classes.train.targets
    data = tw.load(inputs.numpy(), targets.numpy(), valid=valid, test=0.0)
    steps = 3 * math.ceil(len(data.train) / 32)
    spoil(monkeypatch, spoil_optimizer, at=steps)
    settings = {**SETTINGS, **STEADY, "restore_best": restore_best}
    run = tw.fit(network(), data, out="run", **settings)
    assert (run.status.state, run.status.steps) == ("finished", steps)
    assert run.status.best_epoch == 2
    assert is_finite(run.model)


def test_the_last_good_weights_are_copied_once_an_epoch_and_resumed(three_classes, monkeypatch):
    copies, copy = [], State._copy
    monkeypatch.setattr(State, "_copy", lambda state: copies.append(state.step) or copy(state))

    def cut(plan, state):
        raise PowerCutError

    settings = {**SETTINGS, **STEADY, "checkpoint_every": 1}
    with monkeypatch.context() as patch:
        spoil(patch, cut, at=6)
        with pytest.raises(PowerCutError):
            tw.fit(network(), three_classes, out="run", **settings)
    assert copies == [0, 3]
    spoil(monkeypatch, spoil_weight, at=6)
    run = tw.resume("run", three_classes, network(), progress=False)
    assert (run.status.state, run.status.best_epoch) == ("diverged", 1)
    assert is_finite(run.model)


def test_a_label_that_is_no_number_stops_a_regression(numbers, monkeypatch):
    spoil(monkeypatch, spoil_label, at=4)
    run = tw.fit("linear", numbers, out="run", **SETTINGS)
    assert run.status.reason == "the loss became nan at step 4"
    assert is_finite(run.model)


def test_a_buffer_that_is_no_number_is_seen_at_validation_and_never_best(
    three_classes, monkeypatch
):
    """Running means do not touch the training loss, only what is validated with them."""
    spoil(monkeypatch, spoil_buffer)
    run = tw.fit(network(), three_classes, out="run", **SETTINGS)
    assert [math.isnan(loss) for loss in run.history.column("valid_loss")] == [False, True, True]
    assert run.status.best_epoch == 1
    assert is_finite(run.model)


@pytest.mark.parametrize("bad", [NAN, math.inf])
@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_validation_loss_that_is_no_number_is_recorded_and_never_the_best(bad, place):
    model = nn.Linear(1, 1)
    state = State(model, torch.optim.SGD(model.parameters(), lr=0.1))
    losses = [0.5, 0.4]
    losses.insert(place, bad)
    for loss in losses:
        state.add(torch.tensor(1.0), 1, [0.1])
        state.end_epoch({"valid_loss": loss}, 0.1, 0.0)
    assert state.best.loss == 0.4
    assert state.best.epoch == losses.index(0.4) + 1
    assert not math.isfinite(state.history.column("valid_loss")[place])


def test_a_checkpoint_of_weights_that_are_no_numbers_stops_at_the_next_step(
    three_classes, monkeypatch
):
    """It is as the training was: resuming it ends as the training would have."""

    def cut(plan, state):
        raise PowerCutError

    with monkeypatch.context() as patch:
        spoil(patch, spoil_optimizer)
        spoil(patch, cut, at=AT + 1)
        with pytest.raises(PowerCutError):
            tw.fit(network(), three_classes, out="run", checkpoint_every=1, **SETTINGS)
    run = tw.resume("run", three_classes, network(), progress=False)
    assert run.status.reason == f"the loss became nan at step {AT + 1}"
    assert run.status.best_epoch == 1
    assert is_finite(run.model)


def test_numbers_that_are_none_never_reach_a_training(three_classes):
    points = three_classes.train.inputs.double().numpy().copy()
    points[7, 2] = NAN
    with pytest.raises(DataError, match="7"):
        tw.load(points, three_classes.train.targets.numpy())


@pytest.mark.parametrize(
    "options", [{}, {"label_smoothing": 0.1}, {"class_weights": [1.0, 5, 0.2]}]
)
def test_a_batch_in_pieces_has_the_losses_and_weights_of_the_whole(three_classes, options):
    # 90 examples: the last batch of each epoch has 26 and cannot be cut evenly into four.
    ends, losses = [], []
    for pieces in (1, 2, 4):
        torch.manual_seed(5)
        model = nn.Sequential(nn.Linear(4, 16), nn.Tanh(), nn.Linear(16, 3))
        run = tw.fit(
            model, three_classes, accumulate=pieces, optimizer="sgd", out=f"run-{pieces}",
            **{**SETTINGS, "learning_rate": 0.5}, **options,
        )  # fmt: skip
        ends.append(torch.cat([value.flatten() for value in model.state_dict().values()]))
        losses.append([row["loss"] for row in run.history.steps])
    assert len(three_classes.train) % 32 == 26
    assert len(losses[0]) == 9
    for pieces in (1, 2):
        # Float32 has a rounding of 6e-8; a sum in another order differs by a few of those a step.
        assert losses[pieces] == pytest.approx(losses[0], rel=2e-6)
        torch.testing.assert_close(ends[pieces], ends[0], rtol=2e-5, atol=2e-6)


@pytest.mark.parametrize("pieces", [1, 2, 4])
def test_the_loss_of_an_uneven_batch_is_the_mean_over_its_examples(three_classes, pieces):
    torch.manual_seed(5)
    model = nn.Linear(4, 3)
    inputs, targets = three_classes.train.inputs, three_classes.train.targets
    rows = tw.train._batches.order(len(targets), 0, 0)
    with torch.no_grad():
        expected = [
            float(F.cross_entropy(model(inputs[chosen]), targets[chosen]))
            for chosen in rows.split(32)
        ]
    settings = {**SETTINGS, "epochs": 1, "learning_rate": 0.0, "accumulate": pieces}
    run = tw.fit(model, three_classes, out="run", **settings)
    found = [row["loss"] for row in run.history.steps]
    assert found == pytest.approx(expected, rel=1e-6)
    mean = sum(loss * len(rows) for loss, rows in zip(expected, rows.split(32), strict=True)) / 90
    assert run.history.column("train_loss") == pytest.approx([mean], rel=1e-6)
