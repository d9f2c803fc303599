"""At the limits of the numbers, and with nothing to learn from, it works or says why."""

import dataclasses
import math

import numpy as np
import pytest
import torch
from torch import nn

import thalweg as tw
from thalweg.data import Examples, Target
from thalweg.errors import DataError, SettingError, ShapeError
from thalweg.tasks import tasks
from thalweg.train._batches import Feed
from thalweg.train._evaluate import answer

SETTINGS = {"epochs": 3, "batch_size": 32, "learning_rate": 0.01, "progress": False, "out": "run"}
THREE = Target("category", ("animal",), ("cat", "dog", "eel"), counts=(1, 1, 1))
TWO = Target("category", ("digit",), (3, 7), counts=(1, 1))
LABELS = Target("multilabel", ("topic",), ("war", "peace"), counts=(1, 1))
NUMBER = Target("number", ("price",), mean=(100.0,), scale=(20.0,))
EVERY_TASK = [
    ("binary", TWO),
    ("classification", THREE),
    ("multilabel", LABELS),
    ("regression", NUMBER),
    ("perceptron", TWO),
]


def network(*last: nn.Module) -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 3), *last)


def weights(model: nn.Module) -> list[torch.Tensor]:
    return [value.clone() for value in model.state_dict().values()]


def same(first: list[torch.Tensor], second: list[torch.Tensor]) -> bool:
    return all(map(torch.equal, first, second))


# Nothing to learn from.


@pytest.mark.parametrize("nothing", [None, float("nan")])
def test_targets_that_are_all_missing_are_refused_in_a_line(nothing):
    points = np.random.default_rng(0).normal(size=(20, 2))
    with pytest.raises(DataError, match="missing in every example") as caught:
        tw.load(points, np.array([nothing] * 20, dtype=object))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("name", "target"), EVERY_TASK)
def test_no_examples_have_no_losses_and_a_sum_of_zero(name, target):
    task = tasks[name](target)
    targets = torch.zeros(0, dtype=torch.long)
    if target.kind != "category":
        targets = torch.zeros(0, task.outputs)
    losses = task.losses(torch.zeros(0, task.outputs, requires_grad=True), targets)
    assert losses.shape == (0,)
    losses.sum().backward()
    assert losses.sum().item() == 0.0


def test_a_class_number_that_torch_would_leave_out_is_refused():
    """torch leaves -100 out, and the mean over nothing is no number."""
    ignored = torch.full((4,), -100)
    assert math.isnan(nn.functional.cross_entropy(torch.zeros(4, 3), ignored))
    with pytest.raises(ShapeError, match="from 0 to 2, got -100 to -100"):
        tasks["classification"](THREE).check(torch.zeros(4, 3), ignored)


def test_a_label_of_minus_a_hundred_is_a_class_like_any_other():
    points = np.random.default_rng(0).normal(size=(90, 2))
    labels = np.where(points[:, 0] > 0, -100, 1)
    data = tw.load(points, labels)
    run = tw.fit("mlp", data, **{**SETTINGS, "epochs": 30})
    assert data.schema.target.classes == (-100, 1)
    assert run.score("test")["accuracy"] > 0.8


def test_an_example_without_any_label_has_a_loss_like_any_other():
    task = tasks["multilabel"](LABELS)
    losses = task.losses(torch.zeros(2, 2), torch.tensor([[0.0, 0.0], [1.0, 1.0]]))
    assert losses.tolist() == pytest.approx([2 * math.log(2)] * 2)


@pytest.mark.parametrize("given", [[0.0, 0.0, 0.0], [1.0, -1.0, 1.0], [1.0, float("nan"), 1.0]])
def test_weights_that_leave_nothing_to_divide_by_are_refused(three_classes, given):
    with pytest.raises(SettingError, match="3 positive numbers"):
        tw.fit(network(), three_classes, class_weights=given, **SETTINGS)


def test_an_empty_part_cannot_be_scored_and_that_is_one_line():
    points = np.random.default_rng(0).normal(size=(60, 4))
    run = tw.fit(network(), tw.load(points, np.arange(60) % 3, test=0), **SETTINGS)
    with pytest.raises(DataError, match="test") as caught:
        run.score("test")
    assert "\n" not in str(caught.value)


# The limits of the numbers.


@pytest.mark.parametrize("rate", [1e30, -1e-3, -1.0, math.nan, math.inf, -math.inf, True, "fast"])
def test_a_rate_that_cannot_work_is_refused_in_a_line(three_classes, rate):
    with pytest.raises(SettingError, match="learning_rate must be") as caught:
        tw.fit(network(), three_classes, **{**SETTINGS, "learning_rate": rate})
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
def test_a_rate_of_zero_leaves_every_bit_as_it_is(three_classes, optimizer):
    model = network()
    before = weights(model)
    tw.fit(model, three_classes, optimizer=optimizer, **{**SETTINGS, "learning_rate": 0.0})
    assert same(before, weights(model))


def test_the_largest_rate_ends_with_weights_that_are_numbers(three_classes):
    model = network()
    run = tw.fit(model, three_classes, optimizer="sgd", **{**SETTINGS, "learning_rate": 1e6})
    assert max(row["loss"] for row in run.history.steps) > 1e3
    assert all(bool(each.isfinite().all()) for each in weights(model))


class Times(nn.Module):
    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, x):
        return x * self.factor * self.factor


@pytest.mark.parametrize("precision", ["float32", "bfloat16", "bfloat16-matmul"])
def test_outputs_beyond_the_numbers_are_named_and_the_weights_stay(three_classes, precision):
    model = network(Times(1e30))
    before = weights(model)
    run = tw.fit(model, three_classes, precision=precision, **SETTINGS)
    assert run.status.state == "diverged"
    assert run.status.reason in {f"the loss became {bad} at step 1" for bad in ("nan", "inf")}
    assert same(before, weights(model))


@pytest.mark.parametrize("precision", ["float32", "bfloat16", "bfloat16-matmul"])
def test_numbers_too_small_to_be_normal_spoil_nothing(three_classes, precision):
    """Gradients of 1e-40 have squares of zero, by whose root Adam divides."""
    model = network(Times(1e-20))
    run = tw.fit(model, three_classes, precision=precision, **SETTINGS)
    assert run.status.state == "finished"
    assert all(bool(each.isfinite().all()) for each in weights(model))
    assert run.history.column("valid_loss") == pytest.approx([math.log(3)] * 3, rel=1e-3)


def test_a_precision_that_would_overflow_unnoticed_is_not_offered(three_classes):
    with pytest.raises(SettingError, match="precision must be one of float32, bfloat16"):
        tw.fit(network(), three_classes, precision="float16", **SETTINGS)


@pytest.mark.parametrize("size", [1e-150, 1e-40, 1e40, 1e100])
def test_data_of_any_size_are_standardized_alike(size):
    points = np.random.default_rng(0).normal(size=(60, 4))
    plain, scaled = tw.load(points, np.arange(60) % 3), tw.load(points * size, np.arange(60) % 3)
    torch.testing.assert_close(scaled.train.inputs, plain.train.inputs, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("size", [1e-300, 1e200, 1e307])
def test_data_whose_variance_is_no_number_are_refused_in_a_line(size):
    points = np.random.default_rng(0).normal(size=(60, 4))
    with pytest.raises(DataError, match=r"Rescale them|the same in every") as caught:
        tw.load(points * size, np.arange(60) % 3)
    assert "\n" not in str(caught.value)


# Metrics and evaluation.


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("classification", "iris"),
        ("regression", "diabetes"),
        ("binary", "breast-cancer"),
        ("perceptron", "moons"),
    ],
)
def test_metrics_do_not_depend_on_how_a_part_is_cut(name, source):
    data = tw.load(source)
    task, _ = tw.tasks.choose(data.schema.target, wanted=name)
    torch.manual_seed(0)
    model = nn.Linear(data.train.inputs.shape[1], task.outputs)
    feed = Feed(data.train, data.schema.encoder, torch.device("cpu"))
    whole = answer(model, task, feed, len(data.train))
    expected = {"loss": whole.loss, **task.score(whole.outputs, whole.targets)}
    for batch_size in (1, 7, len(data.train) - 1):
        cut = answer(model, task, feed, batch_size)
        found = {"loss": cut.loss, **task.score(cut.outputs, cut.targets)}
        assert found == pytest.approx(expected, rel=1e-5, abs=1e-7)


def test_validating_changes_no_training(three_classes):
    """Neither moments of batch normalization nor the random numbers of dropout are touched."""
    ends = []
    nothing = Examples(three_classes.valid.inputs[:0], three_classes.valid.targets[:0], ())
    for data in (three_classes, dataclasses.replace(three_classes, valid=nothing)):
        torch.manual_seed(0)
        model = nn.Sequential(
            nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.5), nn.Linear(8, 3)
        )
        out = f"run-{len(data.valid)}"
        tw.fit(model, data, restore_best=False, **{**SETTINGS, "out": out})
        ends.append(weights(model))
    assert same(*ends)


def test_scoring_predicting_and_looking_leave_the_network_as_it_is(three_classes):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Dropout(0.5), nn.Linear(8, 3))
    run = tw.fit(model, three_classes, **SETTINGS)
    run.model.train()
    before, drawn = weights(run.model), torch.get_rng_state()
    run.score("valid")
    run.predict(np.zeros((5, 4)))
    assert same(before, weights(run.model))
    assert torch.equal(torch.get_rng_state(), drawn)
    assert all(module.training for module in run.model.modules())


# Parameters that do not train.


def test_frozen_parameters_keep_their_bits_and_the_others_train(three_classes):
    model = network()
    model[0].requires_grad_(False)
    before = weights(model)
    tw.fit(model, three_classes, **SETTINGS)
    after = weights(model)
    assert same(before[:2], after[:2])
    assert not any(map(torch.equal, before[2:], after[2:]))


class LeavesOneOut(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.used, self.unused = nn.Linear(4, 3), nn.Linear(4, 3)

    def forward(self, x):
        return self.used(x)


def test_an_unused_layer_is_told_by_the_doctor_and_keeps_its_bits(three_classes):
    model = LeavesOneOut()
    before = weights(model.unused)
    run = tw.fit(model, three_classes, weight_decay=0.1, **SETTINGS)
    assert same(before, weights(model.unused))
    assert "unused-module" in str(run.diagnosis)
    assert "unused" in str(run.diagnosis)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda model: model.requires_grad_(False), "no trainable parameters"),
        (lambda model: nn.Sequential(nn.Flatten(), nn.Identity()), "no trainable parameters|must"),
        (lambda model: nn.Sequential(model, Detached()), r"Remove \.detach\(\)"),
    ],
)
def test_a_network_that_cannot_train_is_refused_in_a_line(three_classes, spoil, message):
    with pytest.raises((SettingError, ShapeError), match=message) as caught:
        tw.fit(spoil(network()), three_classes, **SETTINGS)
    assert "\n" not in str(caught.value)


class Detached(nn.Module):
    def forward(self, x):
        return x.detach()
