"""What does not fit is told before the first step, in one line."""

import numpy as np
import pytest
import torch
from torch import nn

import thalweg as tw
from thalweg.errors import SettingError, ShapeError


def message(error) -> str:
    text = str(error.value)
    assert "\n" not in text
    return text


def test_a_network_with_too_few_outputs_is_told_how_many_are_needed(three_classes):
    with pytest.raises(ShapeError) as error:
        tw.fit(nn.Linear(4, 2), three_classes, out="run", progress=False)
    assert "3 numbers per example" in message(error)


def test_a_network_for_other_inputs_is_told_what_it_gets(three_classes):
    with pytest.raises(ShapeError) as error:
        tw.fit(nn.Linear(7, 3), three_classes, out="run", progress=False)
    assert "inputs of shape (2, 4)" in message(error)


def test_a_network_that_returns_no_tensor_is_refused(three_classes):
    class Pair(nn.Linear):
        def forward(self, inputs):
            return super().forward(inputs), 0

    with pytest.raises(ShapeError, match="must return one tensor, got tuple"):
        tw.fit(Pair(4, 3), three_classes, out="run", progress=False)


def test_a_batch_larger_than_the_data_is_refused(three_classes):
    with pytest.raises(SettingError, match="at most the 90"):
        tw.fit("mlp", three_classes, batch_size=1000, out="run", progress=False)


def test_a_frozen_network_is_refused(three_classes):
    model = nn.Linear(4, 3).requires_grad_(False)
    with pytest.raises(SettingError, match="no trainable parameters"):
        tw.fit(model, three_classes, out="run", progress=False)


def test_an_unknown_setting_names_the_nearest(three_classes):
    with pytest.raises(SettingError, match="Did you mean 'patience'"):
        tw.fit("mlp", three_classes, patiense=3, out="run", progress=False)


def test_lazy_layers_take_their_shapes_from_the_data(three_classes):
    model = nn.Sequential(nn.LazyLinear(8), nn.ReLU(), nn.LazyLinear(3))
    run = tw.fit(model, three_classes, epochs=1, out="run", progress=False)
    assert run.model[0].in_features == 4


def test_every_automatic_choice_has_a_reason_and_can_be_overridden(three_classes):
    free = tw.fit("mlp", three_classes, out="free", epochs=1, progress=False)
    chosen = {choice.setting: choice for choice in free.choices}
    for setting in ("batch_size", "learning_rate", "warmup", "weight_decay", "device"):
        assert chosen[setting].reason
    bound = tw.fit(
        "mlp", three_classes, out="bound", epochs=1, batch_size=7, learning_rate=0.5, warmup=0,
        weight_decay=0.0, device="cpu", progress=False,
    )  # fmt: skip
    assert bound.settings.train.batch_size == 7
    assert not {"batch_size", "learning_rate", "warmup", "device"} & {
        choice.setting for choice in bound.choices
    }


def test_predictions_use_the_preprocessing_fitted_on_the_training_part():
    draw = np.random.default_rng(0)
    points = draw.normal(loc=100.0, scale=20.0, size=(200, 2))
    labels = (points[:, 0] > 100).astype(int)
    data = tw.load(points, labels)
    run = tw.fit("linear", data, epochs=60, learning_rate=0.1, out="run", progress=False)
    expected = (points[:, 0] > 100).astype(int)
    assert (np.asarray(run.predict(points)) == expected).mean() > 0.97


def test_the_test_part_is_scored_once(three_classes, tmp_path):
    run = tw.fit("mlp", three_classes, epochs=1, out="run", progress=False)
    first = run.score("test")
    with torch.no_grad():
        for parameter in run.model.parameters():
            parameter.zero_()
    assert run.score("test") == first
    assert tw.Run.load("run").score("test") == first


def test_a_run_kept_in_memory_can_be_saved_later(three_classes):
    config = tw.train.Config(epochs=1)
    model = tw.build("mlp", three_classes)
    task, _ = tw.tasks.choose(three_classes.schema.target)
    run = tw.train.fit(model, three_classes, task, config, choices=[], progress=False)
    assert run.folder is None
    loaded = tw.Run.load(run.save("kept"))
    points = three_classes.train.inputs[:5].numpy()
    assert loaded.predict(points).values.tolist() == run.predict(points).values.tolist()
