"""The same run through every door."""

import pytest
import torch

import thalweg as tw
from thalweg._api import repeat, train_from
from thalweg.errors import DataError, RunError, SettingError


FEATURES = ("sepal length (cm)", "sepal width (cm)", "petal length (cm)", "petal width (cm)")


def assert_same_bits(run: tw.Run, other: tw.Run) -> None:
    for name, value in run.model.state_dict().items():
        assert torch.equal(value, other.model.state_dict()[name]), name
    assert run.history == other.history


def test_python_settings_and_their_file_train_to_the_same_bits():
    data = tw.load("iris", seed=1)
    model = tw.build("mlp", data, hidden=[8], dropout=0.1, seed=2)
    python = tw.fit(
        model, data, epochs=3, seed=2, momentum=0.5, optimizer="sgd", out="python", progress=False
    )
    sections = {
        "data": {"source": "iris", "seed": 1},
        "model": {"name": "mlp", "hidden": [8], "dropout": 0.1, "seed": 2},
        "train": {"epochs": 3, "seed": 2, "momentum": 0.5, "optimizer": "sgd"},
    }
    settings = train_from(sections, out="settings", progress=False)
    repeated = repeat("python/config.toml", out="repeated", progress=False)
    assert_same_bits(python, settings)
    assert_same_bits(python, repeated)
    assert repeated.settings == python.settings


def test_a_setting_may_be_overridden_when_repeating():
    first = tw.fit("mlp", "iris", epochs=2, out="first", progress=False)
    second = repeat("first/config.toml", out="second", progress=False, epochs=1, hidden=[4])
    assert second.status.epochs == 1
    assert second.settings.model["hidden"] == [4]
    assert second.settings.train.batch_size == first.settings.train.batch_size


def test_runs_are_numbered_in_a_folder_of_their_own():
    runs = [tw.fit("linear", "iris", epochs=1, progress=False) for _ in range(2)]
    assert [str(run.folder) for run in runs] == ["runs/iris-1", "runs/iris-2"]


def test_data_handed_over_in_python_cannot_be_named_by_settings(three_classes):
    tw.fit("mlp", three_classes, epochs=1, out="run", progress=False)
    with pytest.raises(DataError, match="do not say where the data are"):
        repeat("run/config.toml", out="again", progress=False)


def test_a_network_of_ones_own_cannot_be_named_by_settings():
    model = torch.nn.Sequential(torch.nn.Linear(4, 3))
    tw.fit(model, "iris", epochs=1, out="run", progress=False)
    with pytest.raises(SettingError, match="not registered"):
        repeat("run/config.toml", out="again", progress=False)
    with pytest.raises(RunError, match=r"Run\.load\(folder, model=network\)"):
        tw.Run.load("run").predict({name: 1.0 for name in FEATURES})


def test_resume_loads_named_data_and_builds_named_networks(monkeypatch):
    calm = tw.fit("mlp", "iris", epochs=3, checkpoint_every=1, out="calm", progress=False)
    update = tw.train._loop.update
    steps = iter(range(5))

    def failing(*arguments):
        if next(steps, None) is None:
            raise OSError
        return update(*arguments)

    monkeypatch.setattr(tw.train._loop, "update", failing)
    with pytest.raises(OSError):
        tw.fit("mlp", "iris", epochs=3, checkpoint_every=1, out="cut", progress=False)
    monkeypatch.setattr(tw.train._loop, "update", update)
    assert_same_bits(tw.resume("cut", progress=False), calm)


def test_choices_are_printed_with_their_reasons(capfd):
    tw.fit("mlp", "iris", epochs=1, out="run")
    printed = capfd.readouterr().err
    assert "batch_size" in printed
    assert "training examples" in printed
