"""The same run through every door."""

import shutil
import subprocess
import sys
from pathlib import Path

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


def interrupt(monkeypatch, network, folder, after):
    """Train on iris and fail after so many steps; return what trains on from there."""
    update = tw.train._loop.update
    steps = iter(range(after))

    def failing(*arguments):
        if next(steps, None) is None:
            raise OSError
        return update(*arguments)

    with monkeypatch.context() as patch, pytest.raises(OSError):
        patch.setattr(tw.train._loop, "update", failing)
        tw.fit(network, "iris", epochs=3, checkpoint_every=1, out=folder, progress=False)


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


def test_a_run_in_memory_is_the_run_that_a_folder_would_hold():
    data = tw.load("iris")
    kept, held = (
        tw.fit("mlp", data, epochs=2, out=out, progress=False, doctor=False)
        for out in ("kept", False)
    )
    assert_same_bits(kept, held)
    assert held.folder is None
    assert [path.name for path in Path().iterdir()] == ["kept"]
    assert held.settings == kept.settings


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
        tw.Run.load("run").predict(dict.fromkeys(FEATURES, 1.0))


def test_resume_loads_named_data_and_builds_named_networks(monkeypatch):
    calm = tw.fit("mlp", "iris", epochs=3, checkpoint_every=1, out="calm", progress=False)
    interrupt(monkeypatch, "mlp", "cut", after=5)
    assert_same_bits(tw.resume("cut", progress=False), calm)


def test_choices_are_printed_with_their_reasons(capfd):
    tw.fit("mlp", "iris", epochs=1, out="run")
    printed = capfd.readouterr().err
    assert "batch_size" in printed
    assert "training examples" in printed


def test_settings_are_refused_before_data_are_loaded():
    with pytest.raises(SettingError, match="epochs must be"):
        tw.fit("mlp", "no such data", epochs=0)
    with pytest.raises(SettingError, match="epochs must be"):
        train_from({"data": {"source": "no such data"}, "train": {"epochs": 0}})


def test_a_source_in_settings_is_a_name():
    with pytest.raises(SettingError, match=r"source must be .* got \[1, 2\]"):
        train_from({"data": {"source": [1, 2]}})


def test_what_is_no_network_is_named():
    # In a process of its own: here the types of arguments are checked before our code runs.
    code = """
import torch, thalweg as tw
for network in (5, torch.nn.Linear):
    for verb in (tw.fit, tw.find_learning_rate):
        try:
            verb(network, "iris")
        except tw.errors.SettingError as error:
            print(error)
"""
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    needed = "the network must be a torch.nn.Module or a name, got "
    named = [f"{needed}int."] * 2 + [f"{needed}the class itself; write Linear(…)."] * 2
    assert printed.stdout.splitlines() == named


def test_the_rate_of_a_named_network_can_be_looked_for():
    data = tw.load("iris")
    assert tw.find_learning_rate("mlp", data) == tw.find_learning_rate(tw.build("mlp", data), data)


def test_resume_needs_the_checkpoint_and_not_the_weights(monkeypatch):
    calm = tw.fit("mlp", "iris", epochs=3, checkpoint_every=1, out="calm", progress=False)
    interrupt(monkeypatch, "mlp", "cut", after=5)
    shutil.copy("calm/config.toml", "cut/model.safetensors")
    assert_same_bits(tw.resume("cut", progress=False), calm)


def test_resume_asks_for_a_network_that_it_cannot_build(monkeypatch):
    interrupt(monkeypatch, torch.nn.Linear(4, 3), "cut", after=5)
    with pytest.raises(RunError, match=r"tw\.resume\(folder, model=network\)"):
        tw.resume("cut", progress=False)
    resumed = tw.resume("cut", model=torch.nn.Linear(4, 3), progress=False)
    assert resumed.status.state == "finished"


def test_what_only_some_runs_need_is_not_imported_at_the_start():
    code = (
        "import sys, thalweg._api; print({'bokeh', 'sklearn', 'torchmetrics'} & set(sys.modules))"
    )
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert printed.stdout == "set()\n"
