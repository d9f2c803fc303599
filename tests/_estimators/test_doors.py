"""An estimator's run is the run of `tw.fit`, and of the command line, to the bit."""

from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.datasets import load_diabetes, load_wine
from torch import nn

import thalweg as tw
from thalweg._api import repeat
from thalweg.cli import main
from thalweg.errors import DataError, SettingError, UnknownNameError

X, Y = load_wine(return_X_y=True)


def assert_same_bits(run: tw.Run, other: tw.Run) -> None:
    for name, value in run.model.state_dict().items():
        assert torch.equal(value, other.model.state_dict()[name]), name
    assert run.history == other.history
    assert run.schema.fingerprint == other.schema.fingerprint
    assert run.settings.train == other.settings.train


def test_ends_in_the_weights_of_fit_with_the_same_settings():
    settings = {"epochs": 3, "optimizer": "sgd", "momentum": 0.5, "batch_size": 32}
    network = tw.NetworkClassifier("mlp", hidden=[8], dropout=0.1, random_state=2, **settings)
    data = tw.load(X, Y, kind="category", test=0.0, seed=2)
    model = tw.build("mlp", data, hidden=[8], dropout=0.1, seed=2)
    run = tw.fit(model, data, seed=2, out="run", progress=False, **settings)
    assert_same_bits(network.fit(X, Y).run_, run)
    assert network.run_.settings == run.settings
    assert np.array_equal(network.predict(X), run.predict(X).values)
    assert str(network.run_.diagnosis) == str(run.diagnosis)


def test_a_network_of_ones_own_is_trained_as_fit_does_but_on_a_copy():
    model = nn.Sequential(nn.Linear(13, 8), nn.Dropout(0.2), nn.Linear(8, 3))
    before = {name: value.clone() for name, value in model.state_dict().items()}
    network = tw.NetworkClassifier(model, epochs=2, doctor=False)
    first, second = network.fit(X, Y).run_, network.fit(X, Y).run_
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert_same_bits(first, second)
    assert_same_bits(
        first, tw.fit(model, tw.load(X, Y, test=0.0), epochs=2, out=False, progress=False)
    )


def test_a_function_makes_the_network_for_the_data_with_weights_from_the_seed():
    def made(data):
        return nn.Linear(*data.schema.encoder.shape, len(data.schema.target.classes))

    weights = [
        tw.NetworkClassifier(
            made, epochs=1, random_state=seed, learning_rate=0.0, doctor=False
        ).fit(X, Y)
        for seed in (0, 0, 1)
    ]
    first, same, other = (each.run_.model.weight for each in weights)
    assert torch.equal(first, same)
    assert not torch.equal(first, other)


def test_its_settings_repeat_the_run_on_the_command_line(capsys):
    network = tw.NetworkClassifier(epochs=2, hidden=[8], valid=0.2, random_state=3, out="kept")
    run = network.fit(X, Y).run_
    assert run.folder == Path("kept/arrays-1")
    np.savez("wine.npz", x=X, y=Y)
    config = str(run.folder / "config.toml")
    assert main(["train", "wine.npz", "--config", config, "--out", "again", "--quiet"]) == 0
    again = tw.Run.load("again")
    assert_same_bits(run, again)
    assert (run.folder / "model.safetensors").read_bytes() == Path(
        "again/model.safetensors"
    ).read_bytes()


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        (tw.NetworkClassifier, {"class_weights": "balanced", "data__seed": 5, "model__seed": 6}),
        (tw.NetworkRegressor, {"distribution": "laplace", "valid": 0.3, "clip_norm": 1.0}),
    ],
)
def test_an_estimator_from_the_file_of_its_run_trains_to_the_same_bits(kind, settings):
    network = kind(epochs=2, random_state=3, out="kept", doctor=False, **settings)
    run = network.fit(X, Y).run_
    again = kind.from_config(run.folder / "config.toml", doctor=False).fit(X, Y)
    assert_same_bits(run, again.run_)
    assert run.settings == again.run_.settings


def test_an_estimator_from_a_run_of_fit_sets_the_same_examples_aside():
    A, a = load_diabetes(return_X_y=True)
    run = tw.fit("mlp", tw.load(A, a), epochs=2, out="run", progress=False, doctor=False)
    network = tw.NetworkRegressor.from_config("run/config.toml", doctor=False).fit(A, a)
    assert_same_bits(run, network.run_)
    assert network.run_.score("test") == run.score("test")


def test_a_file_without_a_network_leaves_the_choice_to_the_data():
    Path("settings.toml").write_text("[train]\nepochs = 1\n")
    network = tw.NetworkClassifier.from_config("settings.toml", learning_rate=0.5, doctor=False)
    assert network.get_params()["model"] is None
    run = network.fit(X, Y).run_
    assert run.settings.model["name"] == "mlp"
    assert run.settings.train.learning_rate == 0.5
    assert "model" in [choice.setting for choice in run.choices]


def test_a_run_in_memory_is_kept_when_one_says_so():
    run = tw.NetworkClassifier(epochs=1, doctor=False).fit(X, Y).run_
    assert run.folder is None
    assert not list(Path().iterdir())
    kept = tw.Run.load(run.save("kept"))
    assert np.array_equal(kept.predict(X).values, run.predict(X).values)
    with pytest.raises(DataError, match="do not say where the data are"):
        repeat("kept/config.toml", progress=False)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"learning_rte": 0.1}, "unknown setting 'learning_rte'. Did you mean 'learning_rate'?"),
        ({"momentum": 0.9}, "the optimizer 'adamw' has no constant 'momentum'"),
        ({"seed": 1}, "an estimator's seed is called random_state"),
        ({"random_state": -1}, "random_state must be a whole number of at least 0"),
        ({"random_state": "one"}, "random_state must be a whole number of at least 0"),
        ({"epochs": -1}, "epochs must be a whole number of at least 1, got -1."),
        ({"valid": 2}, "valid must be a share between 0 and 1, got 2."),
        ({"kind": "number"}, "NetworkClassifier is for kind='category', got 'number'"),
        ({"data__target": "y"}, r"is handed its data by fit\(X, y\), got data.target"),
        ({"size": 28}, "the source 'arrays' has no option 'size'"),
        ({"model": nn.Linear}, "model must be a name, a torch.nn.Module, or a function"),
        ({"model": 3}, "model must be a name, a torch.nn.Module, or a function"),
    ],
)
def test_what_is_wrong_with_a_parameter_is_told_at_fit(given, told):
    network = tw.NetworkClassifier(**{"epochs": 1, **given})
    with pytest.raises(SettingError, match=told):
        network.fit(X, Y)


def test_an_unknown_network_is_told_the_nearest():
    with pytest.raises(UnknownNameError, match="Did you mean 'mlp'"):
        tw.NetworkClassifier("mlpp").fit(X, Y)


def test_a_random_state_that_is_none_draws_a_seed_that_the_run_keeps():
    np.random.seed(7)
    run = tw.NetworkClassifier(epochs=1, random_state=None, doctor=False).fit(X, Y).run_
    np.random.seed(7)
    assert run.settings.train.seed == np.random.RandomState(7).randint(2**31 - 1)
    assert run.settings.model["seed"] == run.settings.data["seed"] == run.settings.train.seed
