import json
import subprocess
import sys

import pytest

import thalweg as tw


def test_a_network_by_name_is_taken_apart(call):
    shown = call("anatomy", "lenet", "--input", "1,32,32", "--classes", "10")
    assert shown.code == 0
    names = [line.split()[0] for line in shown.out.splitlines() if line]
    assert names[:3] == ["name", "size", "conv1"]
    assert "61,706" in shown.out
    assert "416,520" in shown.out
    assert "833,040" in shown.out
    assert "14×14" in shown.out


def test_json_holds_totals_and_the_same_by_layer(call):
    words = ("anatomy", "lenet", "--input", "1,32,32", "--classes", "10", "--memory", "1 MiB")
    found = json.loads(call(*words, "--json").out)
    assert (found["parameters"], found["macs"], found["flops"]) == (61_706, 416_520, 833_040)
    for total in ("parameters", "macs", "flops", "activation_bytes"):
        assert sum(layer[total] for layer in found["layers"]) == found[total]
    layer = next(layer for layer in found["layers"] if layer["name"] == "conv2")
    assert layer["kind"] == "Conv2d"
    assert layer["output_shape"] == [16, 10, 10]
    assert layer["receptive_field"] == {"size": [14, 14], "stride": [2, 2], "centre": [6.5, 6.5]}
    assert layer["activation_bytes"] == 4 * 16 * 10 * 10
    training = found["training"]
    anatomy = tw.anatomy("lenet", (1, 32, 32), classes=10)
    assert training["peak"] == anatomy.training_memory(32).peak
    assert training["largest_batch"] == anatomy.largest_batch(2**20)


def test_options_of_the_network_are_settings(call):
    words = ("anatomy", "mlp", "hidden=5,7", "--input", "3", "--classes", "2", "--json")
    assert json.loads(call(*words).out)["parameters"] == 5 * 4 + 7 * 6 + 2 * 8


LENET = ("lenet", "--input", "1,32,32", "--classes", "10", "--memory", "1 MiB", "--json")


@pytest.mark.parametrize(
    ("words", "copies"),
    [
        (["optimizer=sgd"], 0),
        (["optimizer=sgd", "momentum=0.9"], 1),
        (["--optimizer", "momentum"], 1),
        (["amsgrad=true"], 3),
        (["optimizer=rmsprop", "centered=true", "train.momentum=0.5"], 3),
    ],
)
def test_constants_of_the_optimizer_count_as_in_training(call, words, copies):
    training = json.loads(call("anatomy", *LENET, *words).out)["training"]
    # Besides copies of the 61,706 parameters there is at most a count of steps for each tensor.
    assert 0 <= training["optimizer_state"] - 4 * 61_706 * copies <= 10 * 4


def test_the_batch_that_fits_is_that_of_the_constants(call):
    words = (*LENET, "--memory", "3 MiB", "optimizer=rmsprop")
    lean = json.loads(call("anatomy", *words).out)["training"]["largest_batch"]
    full = json.loads(call("anatomy", *words, "centered=true").out)["training"]["largest_batch"]
    assert 0 < full < lean


def test_batch_size_and_fused_are_settings_too(call):
    plain = json.loads(call("anatomy", *LENET, "batch_size=2").out)["training"]
    fused = json.loads(call("anatomy", *LENET, "--batch", "2", "fused=true").out)["training"]
    assert plain["batch"] == fused["batch"] == 2
    assert fused["peak"] < plain["peak"]
    anatomy = tw.anatomy("lenet", (1, 32, 32), classes=10)
    assert fused["peak"] == anatomy.training_memory(2, fused=True).peak


def test_a_run_is_priced_as_it_was_trained_unless_told_otherwise(call, tmp_path):
    folder = tmp_path / "run"
    words = ("optimizer=sgd", "momentum=0.9", "batch_size=24", "epochs=1", "--out", folder)
    assert call("train", "iris", *words, "--quiet", "--no-report").code == 0
    found = json.loads(call("anatomy", folder, "--json").out)
    training, copy = found["training"], 4 * found["parameters"]
    assert (training["batch"], training["optimizer"]) == (24, "sgd")
    assert training["optimizer_state"] == copy
    changed = json.loads(call("anatomy", folder, "momentum=0", "--json").out)["training"]
    assert changed["optimizer_state"] == 0
    other = json.loads(call("anatomy", folder, "--optimizer", "adagrad", "--json").out)["training"]
    assert other["optimizer_state"] - copy < 100


def test_a_photograph_is_the_usual_input(call):
    found = json.loads(call("anatomy", "vgg16", "--json").out)
    assert found["macs"] == 15_470_264_320


@pytest.mark.parametrize(
    ("name", "parameters", "macs"),
    [
        ("lenet", 61_706, 416_520),
        ("lenet_caffe", 431_080, 2_293_000),
        ("alexnet", 62_378_344, 1_135_256_096),
        ("inception_v3", 27_161_264, 5_713_216_096),
    ],
)
def test_a_network_is_taken_for_what_it_was_made_for(call, name, parameters, macs):
    found = json.loads(call("anatomy", name, "--json").out)
    assert (found["parameters"], found["macs"]) == (parameters, macs)


def test_a_run_knows_its_network_and_its_input(call, trained):
    found = json.loads(call("anatomy", trained, "--json").out)
    assert found["parameters"] == sum(
        each.numel() for each in tw.Run.load(trained).model.parameters()
    )
    assert found["layers"][-1]["output_shape"] == [3]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["lenat"], "unknown network 'lenat', and no run lies there. Did you mean 'lenet'?"),
        (["mlp"], "Say the shape of one example"),
        (["mlp", "hiden=3", "--input", "4"], "Did you mean 'hidden'?"),
        (["lenet", "--input", "big"], "needs the shape of one example, such as (3, 224, 224)"),
        (["lenet", "--input", "1,2"], "takes images"),
        (["mlp", "--input", "1e9"], "needs the shape of one example, such as (3, 224, 224)"),
        (["mlp", "--input", "4", "hidden=true"], "hidden must be whole numbers of at least 1"),
        (["lenet", "--input", "1,0,4"], "at least 1, got 0"),
        (["alexnet", "--input", "3,8,8"], "8×8"),
        (["lenet", "--memory", "much"], "such as '8 GiB', got 'much'"),
        (["perceptron", "--input", "4", "--classes", "3"], "tells two classes apart"),
        (["lenet", "--batch", "0"], "batch_size must be a whole number of at least 1"),
        (["lenet", "optimizer=sgd", "betas=0.9,0.9"], "'sgd' has no constant 'betas'"),
        (["lenet", "learning_rate=1"], "learning_rate does not change how much memory"),
        (["lenet", "decay=0.1", "schedule=exponential"], "decay does not change how much memory"),
        (["lenet", "--optimizer", "adm"], "Did you mean 'adam'?"),
    ],
)
def test_what_makes_no_sense_is_said_in_one_line(call, words, said):
    shown = call("anatomy", *words)
    assert shown.code == 2
    assert shown.out == ""
    assert said in shown.err
    assert len(shown.err.strip().splitlines()) == 1


def test_weights_that_are_no_file_are_refused_in_a_line():
    # In a process of its own: here a check of types at calls would come first.
    words = [sys.executable, "-m", "thalweg", "anatomy", "mlp", "--input", "4", "weights=5"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr == "error: weights must be a file, or 'imagenet', got 5.\n"


def test_a_picture_without_a_name_is_refused_in_a_line(call):
    shown = call("anatomy", "lenet", "--picture", "")
    assert shown.code == 1
    assert shown.err.startswith("error: cannot write .: ")


def test_a_file_that_is_no_run_is_told_apart(call, tmp_path):
    (tmp_path / "notes.txt").write_text("no run")
    shown = call("anatomy", tmp_path / "notes.txt")
    assert shown.code == 1
    assert "is not a run" in shown.err


@pytest.mark.parametrize("more", [[], ["--classes", "2"]])
def test_two_classes_are_the_one_output_of_a_perceptron(call, more):
    assert (
        json.loads(call("anatomy", "perceptron", "--input", "4", *more, "--json").out)["macs"] == 4
    )


def test_a_run_says_which_inputs_its_network_was_built_for(call, trained):
    shown = call("anatomy", trained, "--input", "7")
    assert shown.code == 2
    assert "It was built for inputs of 4: give it such" in shown.err
    assert len(shown.err.strip().splitlines()) == 1


def test_the_network_of_a_run_is_built_already(call, trained):
    shown = call("anatomy", trained, "hidden=3")
    assert shown.code == 2
    assert "hidden cannot be chosen" in shown.err
