import json
import os
import tomllib
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy
from sklearn.datasets import load_iris

import thalweg as tw
from thalweg._core.files import locked

SMALL = ("train", "iris", "epochs=2", "--quiet", "--no-report")


def weights(folder):
    return (folder / "model.safetensors").read_bytes()


@pytest.fixture
def table(tmp_path):
    """Iris as a CSV file, since a user's own table has a column to be named."""
    iris = load_iris()
    lines = ["length,width,petal length,petal width,kind"]
    lines += [
        ",".join(map(str, row)) + f",{iris.target_names[kind]}"
        for row, kind in zip(iris.data, iris.target, strict=True)
    ]
    path = tmp_path / "flowers.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def test_a_run_ends_with_scores_the_folder_and_the_page(call, tmp_path):
    ended = call("train", "iris", "epochs=2", "--quiet", "--out", "first")
    assert ended.code == 0
    lines = ended.out.splitlines()
    share = tw.train.Run.peek("first").scores["test"]["accuracy"]
    assert f"accuracy {100 * share:.2f} %" in [" ".join(line.split()) for line in lines]
    assert lines[-2].split() == ["run", "first"]
    assert lines[-1].split() == ["report", "first/report.html"]
    assert "<html" in (tmp_path / "first" / "report.html").read_text().lower()
    assert not ended.err


def test_progress_and_reasons_go_to_standard_error(call):
    ended = call("train", "iris", "epochs=2", "--no-report")
    assert "because" not in ended.out
    assert "learning_rate" in ended.err
    assert "epoch 2/2" in ended.err
    assert ended.out.splitlines()[-1].split() == ["run", "runs/iris-1"]


def test_json_is_all_of_the_output(call):
    ended = call(*SMALL, "--json", "--out", "x")
    found = json.loads(ended.out)
    stored = json.loads(Path("x/scores.json").read_text())
    assert found["test"] == stored["test"]
    assert found["run"] == "x"
    assert found["report"] is None
    assert (found["state"], found["epochs"]) == ("finished", 2)


def test_flags_and_settings_reach_the_part_that_they_belong_to(call, table):
    words = ["train", table, "--target", "kind", "--model", "mlp", "--epochs", "1", "--seed", "7"]
    words += ["hidden=8,4", "valid=0.3", "momentum=0.5", "optimizer=sgd", "model.dropout=0.25"]
    assert call(*words, "--device", "cpu", "--quiet", "--no-report", "--out", "x").code == 0
    saved = tomllib.loads(Path("x/config.toml").read_text())
    assert saved["data"]["target"] == "kind"
    assert saved["data"]["valid"] == 0.3
    assert saved["data"]["seed"] == 0  # the split stays when the network's seed changes
    assert (saved["model"]["name"], saved["model"]["seed"]) == ("mlp", 7)
    assert (saved["model"]["hidden"], saved["model"]["dropout"]) == ([8, 4], 0.25)
    assert (saved["train"]["epochs"], saved["train"]["seed"]) == (1, 7)
    assert saved["train"]["optimizer_options"]["momentum"] == 0.5
    shapes = {k: v.shape for k, v in safetensors.numpy.load_file("x/model.safetensors").items()}
    assert sorted(shape for shape in shapes.values() if len(shape) == 2) == [(3, 4), (4, 8), (8, 4)]


def test_the_settings_of_a_run_repeat_it_to_the_same_bits(call, trained):
    ended = call("train", "--config", trained / "config.toml", "--quiet", "--no-report")
    assert ended.code == 0
    again = tw.train.Run.peek("runs/iris-1")
    assert weights(again.folder) == weights(trained)
    assert again.history == tw.train.Run.peek(trained).history


def test_a_setting_beside_the_file_of_settings_wins(call, trained):
    words = ["--config", trained / "config.toml", "epochs=1", "--quiet", "--no-report"]
    assert call("train", *words, "--out", "x").code == 0
    saved = tomllib.loads(Path("x/config.toml").read_text())
    assert (saved["train"]["epochs"], saved["train"]["learning_rate"]) == (1, 0.01)


def test_another_seed_gives_other_weights(call, trained):
    words = ["--config", trained / "config.toml", "--seed", "1", "--quiet", "--no-report"]
    assert call("train", *words, "--out", "x").code == 0
    first = safetensors.numpy.load_file(trained / "model.safetensors")
    second = safetensors.numpy.load_file("x/model.safetensors")
    assert any(not np.array_equal(first[name], second[name]) for name in first)


def test_another_network_forgets_the_options_of_the_first(call):
    assert call(*SMALL, "--model", "mlp", "hidden=8", "--out", "x").code == 0
    words = ["train", "--config", "x/config.toml", "--model", "linear", "--quiet", "--no-report"]
    assert call(*words, "--out", "y").code == 0
    assert "hidden" not in tomllib.loads(Path("y/config.toml").read_text())["model"]


def test_another_source_can_be_trained_with_the_same_settings(call, trained):
    words = ["train", "wine", "--config", trained / "config.toml", "epochs=1", "--quiet"]
    assert call(*words, "--no-report").out.split()[-1] == "runs/wine-1"


def test_a_diverged_run_warns_and_leaves_the_test_part_alone(call):
    words = ["optimizer=sgd", "learning_rate=1e6", "--out", "x"]
    ended = call(*SMALL, *words)
    assert ended.code == 3
    assert "warning: training diverged: the loss became" in ended.err
    assert "accuracy" not in ended.out
    assert not Path("x/scores.json").exists()


def test_stopping_early_is_told(call):
    words = ["train", "iris", "epochs=50", "patience=1", "learning_rate=0.5", "--quiet"]
    ended = call(*words, "--no-report")
    assert ended.code == 0
    epochs = tw.train.Run.peek("runs/iris-1").status.epochs
    assert epochs < 50
    assert f"Stopped early, after {epochs} of 50 epochs" in ended.err


def test_an_empty_test_part_is_told(call):
    ended = call(*SMALL, "test=0")
    assert ended.code == 0
    assert "The test part is empty" in ended.err


BAD = {
    "no source": (["train"], 2, "thalweg train digits"),
    "missing file": (["train", "nope.csv"], 2, "nope.csv"),
    "missing builtin": (["train", "irsi"], 2, "Did you mean 'iris'?"),
    "unknown network": (["train", "iris", "--model", "mpl"], 2, "Did you mean 'mlp'?"),
    "unknown setting": (["train", "iris", "epcohs=3"], 2, "Did you mean 'epochs'?"),
    "unknown task": (["train", "iris", "--task", "clasification"], 2, "'classification'?"),
    "text for a number": (["train", "iris", "epochs=many"], 2, "epochs must be a whole number"),
    "number for a name": (["train", "iris", "optimizer=3"], 2, "optimizer"),
    "text for a share": (["train", "iris", "valid=much"], 2, "valid"),
    "text for a width": (["train", "iris", "hidden=wide"], 2, "hidden must be"),
    "number for a schedule": (["train", "iris", "schedule=3"], 2, "unknown schedule 3"),
    "list for a network": (["train", "iris", "model=[1]"], 2, "unknown network [1]"),
    "number for a text": (["train", "iris", "split=3"], 2, "split must be one of"),
    "word for a yes": (["train", "iris", "shuffle=maybe"], 2, "shuffle must be true or false"),
    "an option of another set": (["train", "iris", "turns=1"], 2, "unknown setting 'turns'"),
    "out of range": (["train", "iris", "learning_rate=-1"], 2, "learning_rate must be"),
    "batch too large": (["train", "iris", "batch_size=5000"], 2, "at most the 105"),
    "not a setting": (["train", "iris", "wine"], 2, "form key=value"),
    "no such device": (["train", "iris", "--device", "gpu"], 2, "device must be"),
    "no such config": (["train", "--config", "nope.toml"], 2, "no file of settings nope.toml"),
    "network for images": (["train", "iris", "--model", "lenet"], 2, "lenet"),
    "too long a name": (["train", "x" * 5000], 2, "xxx"),
    "control characters": (["train", "a\x1b[31mb\nc"], 2, "a?[31mb"),
}


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_one_line_and_leaves_nothing_behind(call, tmp_path, name):
    words, code, hint = BAD[name]
    failed = call(*words, "--quiet")
    assert failed.code == code
    assert hint in failed.err
    assert failed.err.startswith("error: ")
    assert failed.err.count("\n") == 1
    assert "\x1b" not in failed.err
    assert not failed.out
    assert not list(tmp_path.iterdir())


def test_an_absent_target_names_the_columns(call, table):
    failed = call("train", table, "--target", "kinds", "--quiet")
    assert failed.code == 2
    assert "Did you mean 'kind'?" in failed.err
    assert failed.err.count("\n") == 1


def test_a_table_without_a_target_asks_for_one(call, table):
    failed = call("train", table, "--quiet")
    assert failed.code == 2
    assert "--target COLUMN" in failed.err


def test_a_folder_that_holds_a_run_is_not_overwritten(call, trained):
    before = weights(trained)
    failed = call("train", "wine", "--out", trained, "--quiet")
    assert failed.code == 1
    assert f"thalweg resume {trained}" in failed.err
    assert weights(trained) == before


def test_a_file_in_place_of_the_folder_is_told(call, tmp_path):
    (tmp_path / "taken").write_text("mine")
    failed = call(*SMALL, "--out", "taken/run")
    assert failed.code == 1
    assert "cannot write taken/run" in failed.err
    assert (tmp_path / "taken").read_text() == "mine"


def test_a_folder_that_may_not_be_written_is_told(call, tmp_path):
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o500)
    if os.access(closed, os.W_OK):
        pytest.skip("this user may write anywhere")
    failed = call(*SMALL, "--out", closed / "run")
    assert failed.code == 1
    assert "Permission denied" in failed.err


def test_a_folder_in_use_is_told(call, tmp_path):
    (tmp_path / "busy").mkdir()
    with locked(tmp_path / "busy"):
        failed = call(*SMALL, "--out", "busy")
    assert failed.code == 1
    assert "in use by another process" in failed.err


def test_an_interruption_before_the_first_step_leaves_nothing_to_resume(call, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("thalweg._api.train_from", interrupted)
    ended = call(*SMALL)
    assert (ended.code, ended.err) == (130, "Interrupted before training began.\n")


def test_options_of_a_builtin_set_are_settings_too(call):
    words = ["train", "moons", "n=200", "noise=0.05", "epochs=1", "--quiet", "--no-report"]
    assert call(*words, "--out", "x").code == 0
    assert sum(tw.train.Run.peek("x").schema.counts.values()) == 200


def test_an_interruption_of_the_ending_says_that_resuming_makes_up_for_it(call, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(tw.train.Run, "report", interrupted)
        ended = call("train", "iris", "epochs=1", "--quiet", "--out", "x")
    assert ended.code == 130
    assert ended.err == "Interrupted. Go on with: thalweg resume x\n"
    assert call("resume", "x").code == 0
    assert Path("x/report.html").exists()


def test_a_source_that_looks_like_a_setting_is_named_by_its_path(call, tmp_path, table):
    table.rename(tmp_path / "size=28.csv")
    words = ["train", "./size=28.csv", "--target", "kind", "epochs=1", "--quiet", "--no-report"]
    assert call(*words).code == 0
