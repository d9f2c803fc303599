"""A run scores, predicts, saves and comes back as it was."""

import copy
import pickle

import numpy as np
import pytest
import torch

import thalweg as tw
from thalweg import _api
from thalweg.errors import DataError, RunError, SettingError


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
    silent = tw.train.Onlookers(progress=False)
    run = tw.train.fit(model, three_classes, task, config, choices=[], onlookers=silent)
    assert run.folder is None
    loaded = tw.Run.load(run.save("kept"))
    points = three_classes.train.inputs[:5].numpy()
    assert loaded.predict(points).values.tolist() == run.predict(points).values.tolist()


def test_outputs_are_what_the_network_gives_before_the_task_reads_it(three_classes):
    run = tw.fit("mlp", three_classes, epochs=1, out=False, progress=False, doctor=False)
    encoder, stored = three_classes.schema.encoder, three_classes.test.inputs
    points = (stored * encoder.scale + encoder.mean).numpy()
    with torch.no_grad():
        torch.testing.assert_close(run.outputs(points), run.model(stored))
    odds = run.outputs(points).double().softmax(dim=1).numpy()
    np.testing.assert_allclose(run.predict(points).probabilities, odds, rtol=1e-5)


def test_a_copy_leaves_the_data_behind_and_predicts_the_same(three_classes):
    run = tw.fit("mlp", three_classes, epochs=1, out=False, progress=False)
    run.answers("valid")
    for other in (copy.deepcopy(run), pickle.loads(pickle.dumps(run))):
        assert other.data is None
        with pytest.raises(DataError, match=r"run\.attach"):
            other.score("valid")
        assert other.attach(three_classes).score("valid") == run.score("valid")
        assert str(other.diagnosis) == str(run.diagnosis)
        assert other.history == run.history


def test_scores_are_what_scikit_learn_finds_in_the_predictions(three_classes):
    from sklearn.metrics import accuracy_score, f1_score, log_loss

    run = tw.fit("mlp", three_classes, epochs=5, out="run", progress=False)
    encoder, part = three_classes.schema.encoder, three_classes.test
    points = (part.inputs * encoder.scale + encoder.mean).numpy()
    prediction, truth = run.predict(points), part.targets.numpy()
    scores = run.score("test")
    assert scores["accuracy"] == pytest.approx(accuracy_score(truth, prediction.values))
    assert scores["f1"] == pytest.approx(f1_score(truth, prediction.values, average="macro"))
    assert scores["loss"] == pytest.approx(log_loss(truth, prediction.probabilities), rel=1e-4)


def test_a_part_that_is_empty_or_unknown_is_told():
    draw = np.random.default_rng(0)
    data = tw.load(draw.normal(size=(40, 3)), draw.integers(0, 2, size=40), test=0)
    run = tw.fit("linear", data, epochs=1, out="run", progress=False)
    with pytest.raises(DataError, match="test part is empty"):
        run.score("test")
    with pytest.raises(SettingError, match="train, valid, test"):
        run.score("tset")


def test_a_run_from_disk_scores_once_its_data_are_attached(three_classes, numbers):
    run = tw.fit("mlp", three_classes, epochs=2, out="run", progress=False)
    loaded = tw.Run.load("run")
    with pytest.raises(DataError, match=r"run\.attach"):
        loaded.score("valid")
    with pytest.raises(DataError, match="not the data of the run"):
        loaded.attach(numbers)
    assert loaded.attach(three_classes).score("valid") == run.score("valid")


def test_loading_needs_nothing_but_the_folder_and_gives_back_all_of_it(three_classes):
    run = tw.fit("mlp", three_classes, epochs=2, out="run", progress=False)
    loaded = tw.Run.load("run")
    assert loaded.history == run.history
    assert loaded.status == run.status
    assert loaded.settings == run.settings
    assert loaded.choices == run.choices
    for name, value in run.model.state_dict().items():
        assert torch.equal(value, loaded.model.state_dict()[name]), name


def test_a_folder_without_a_run_is_told(tmp_path):
    with pytest.raises(RunError, match=r"is not a run: .*Runs are made by thalweg train"):
        tw.Run.load(tmp_path)


def test_a_network_trained_before_is_recorded_as_such():
    iris = tw.load("iris")
    model = tw.build("mlp", iris)
    first = tw.fit(model, iris, epochs=1, out="first", progress=False)
    second = tw.fit(model, iris, epochs=1, out="second", progress=False)
    assert "weights" not in first.settings.model
    assert second.settings.model["weights"] == "given"
    with pytest.raises(SettingError, match="began from weights handed over"):
        _api.repeat("second/config.toml")
    assert tw.Run.load("second").predict(np.zeros((1, 4))).values.shape == (1,)


@pytest.mark.parametrize(
    ("replaced", "by", "told"),
    [
        ('name = "classification"', "", "names no task"),
        ('name = "classification"', 'name = "classification"\nfoo = 1', "no option 'foo'"),
        ('name = "classification"', 'name = "clasification"', "Did you mean"),
    ],
)
def test_settings_that_no_longer_make_a_task_are_told(three_classes, tmp_path, replaced, by, told):
    tw.fit("mlp", three_classes, epochs=1, out="run", progress=False)
    path = tmp_path / "run" / "config.toml"
    assert replaced in path.read_text()
    path.write_text(path.read_text().replace(replaced, by))
    with pytest.raises((RunError, SettingError), match=told):
        tw.Run.load("run")
