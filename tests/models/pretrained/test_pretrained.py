"""Weights from files: the right ones load, everything else is refused in a line, nothing runs."""

import hashlib
import os
import pickle
from pathlib import Path

import pytest
import safetensors.torch
import torch

import thalweg as tw
from thalweg.errors import SettingError, ShapeError, WeightsError
from thalweg.models import build, choices_of, recipe_of
from thalweg.models.pretrained import _public


def network(classes: int = 5, seed: int = 1, channels: int = 3, **options: object):
    return build("resnet18", classes=classes, channels=channels, size=32, seed=seed, **options)


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    path = tmp_path / "weights.pth"
    torch.save(network().state_dict(), path)
    return path


@pytest.fixture
def data() -> tw.data.Splits:
    pixels = torch.randint(0, 255, (40, 3, 32, 32), dtype=torch.uint8).numpy()
    return tw.load(pixels, ["cat", "dog", "owl", "fox"] * 10)


def same(first: torch.nn.Module, second: torch.nn.Module) -> bool:
    pairs = zip(first.state_dict().values(), second.state_dict().values(), strict=True)
    return all(torch.equal(*pair) for pair in pairs)


@pytest.mark.parametrize(
    "wrap", ["plain", "state_dict", "model", "parallel", "compiled", "half", "lightning", "nested"]
)
def test_what_torch_saved_loads_however_it_is_wrapped(tmp_path, wrap):
    state = network().state_dict()
    content = {
        "plain": state,
        "state_dict": {"epoch": 3, "state_dict": state},
        "model": {"model": state, "step": 1},
        "parallel": {f"module.{name}": value for name, value in state.items()},
        "compiled": {"state_dict": {f"_orig_mod.{name}": value for name, value in state.items()}},
        "half": {name: value.double() for name, value in state.items()},
        "lightning": {
            "epoch": 3,
            "pytorch-lightning_version": "2.5.0",
            "callbacks": {"ModelCheckpoint": {"best_model_score": torch.tensor(0.3)}},
            "optimizer_states": [{"state": {0: {"step": torch.tensor(7.0)}}, "param_groups": []}],
            "state_dict": {f"model.{name}": value for name, value in state.items()},
        },
        "nested": {f"module._orig_mod.my.net.{name}": value for name, value in state.items()},
    }[wrap]
    path = tmp_path / "weights.pt"
    torch.save(content, path)
    assert same(network(seed=0, weights=path), network())


def test_a_prefix_that_was_dropped_is_told_and_kept_with_the_run(saved, data, tmp_path):
    state = network(classes=4).state_dict()
    torch.save({f"model.{name}": value for name, value in state.items()}, saved)
    model = build("resnet18", data, weights=saved)
    run = tw.fit(model, data, epochs=1, progress=False, out=tmp_path / "run")
    (told,) = [each for each in run.choices if each.setting == "weights"]
    assert told.value == str(saved)
    assert told.reason == "the prefix 'model.' that all names share was dropped"
    torch.save(state, saved)
    assert not choices_of(build("resnet18", data, weights=saved))


def test_only_a_prefix_that_all_share_and_that_makes_them_match_is_dropped(tmp_path):
    state = {f"model.{name}": value for name, value in network().state_dict().items()}
    torch.save({**state, "loss.weight": torch.ones(5)}, tmp_path / "more.pth")
    with pytest.raises(WeightsError, match=r"of another network: it has 'model\.conv1\.weight'"):
        network(weights=tmp_path / "more.pth")
    del state["model.layer3.0.conv1.weight"]
    torch.save(state, tmp_path / "less.pth")
    with pytest.raises(WeightsError, match=r"of another network: it has 'model\.conv1\.weight'"):
        network(weights=tmp_path / "less.pth")
    torch.save({f"module.{name}": value for name, value in state.items()}, tmp_path / "both.pth")
    with pytest.raises(WeightsError, match=r"of another network: it has 'model\.conv1\.weight'"):
        network(weights=tmp_path / "both.pth")


def test_safetensors_and_the_old_format_load(tmp_path):
    state = network().state_dict()
    safetensors.torch.save_file(state, tmp_path / "a.safetensors")
    torch.save(state, tmp_path / "b.pth", _use_new_zipfile_serialization=False)
    for name in ("a.safetensors", "b.pth"):
        assert same(network(seed=0, weights=str(tmp_path / name)), network())


def test_files_older_than_the_counter_of_batches_load(tmp_path):
    state = {k: v for k, v in network().state_dict().items() if "num_batches" not in k}
    torch.save(state, tmp_path / "old.pth")
    assert same(network(seed=0, weights=tmp_path / "old.pth"), network())


def test_the_recipe_remembers_the_file(saved):
    recipe = recipe_of(network(seed=0, weights=saved))
    assert recipe is not None
    assert recipe.weights == str(saved)


class Bomb:
    """What a pickle runs when it is loaded."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self):
        return os.mkdir, (str(self.mark),)


@pytest.mark.parametrize("how", ["torch", "pickle"])
def test_a_file_that_would_run_code_is_refused_and_runs_nothing(tmp_path, how):
    path, mark = tmp_path / "hostile.pth", tmp_path / "ran"
    content = {"weight": torch.ones(2), "x": Bomb(mark)}
    if how == "torch":
        torch.save(content, path)
    else:
        path.write_bytes(pickle.dumps(content))
    with pytest.raises(WeightsError, match=r"more than tensors|is damaged"):
        network(weights=path)
    assert not mark.exists()


def test_a_damaged_file_is_refused(saved, tmp_path):
    content = saved.read_bytes()
    for name, damaged in {
        "short.pth": content[: len(content) // 2],
        "empty.pth": b"",
        "words.pth": b"<html>404</html>" * 100,
        "short.safetensors": b"\x10\0\0\0\0\0\0\0{}",
    }.items():
        (tmp_path / name).write_bytes(damaged)
        with pytest.raises(WeightsError, match=r"is damaged|cannot read|more than tensors") as told:
            network(weights=tmp_path / name)
        assert "\n" not in str(told.value)


def test_a_file_of_something_else_is_refused(tmp_path):
    torch.save([torch.ones(3)], tmp_path / "list.pth")
    torch.save({"epoch": 3}, tmp_path / "number.pth")
    with pytest.raises(WeightsError, match="an object of type list"):
        network(weights=tmp_path / "list.pth")
    with pytest.raises(WeightsError, match="other things, such as 'epoch'"):
        network(weights=tmp_path / "number.pth")
    torch.save({7: torch.ones(3)}, tmp_path / "nameless.pth")
    with pytest.raises(WeightsError, match="other things, such as 7"):
        network(weights=tmp_path / "nameless.pth")
    with pytest.raises(WeightsError, match="No such file"):
        network(weights=tmp_path / "none.pth")
    with pytest.raises(WeightsError, match="is a folder"):
        network(weights=tmp_path)


def test_weights_of_another_network_are_refused_with_the_first_name(tmp_path):
    torch.save(build("resnet34", classes=5, channels=3, size=32).state_dict(), tmp_path / "34.pth")
    with pytest.raises(WeightsError, match=r"of another network: it has 'layer1\.2\.conv1"):
        network(weights=tmp_path / "34.pth")
    state = network().state_dict()
    del state["layer3.0.conv1.weight"]
    torch.save(state, tmp_path / "part.pth")
    with pytest.raises(WeightsError, match=r"'layer3\.0\.conv1\.weight' is missing"):
        network(weights=tmp_path / "part.pth")


def test_numbers_that_are_not_finite_are_refused(tmp_path):
    state = network().state_dict()
    state["bn1.weight"][3] = float("nan")
    torch.save(state, tmp_path / "nan.pth")
    with pytest.raises(WeightsError, match=r"'bn1\.weight' holds numbers that are not finite"):
        network(weights=tmp_path / "nan.pth")


def test_another_number_of_classes_is_refused_with_both_and_the_classes(saved, data):
    with pytest.raises(WeightsError, match=r"gives 5 outputs, and 4 are needed \(cat, dog, fox, o"):
        build("resnet18", data, weights=saved)


def test_weights_of_a_run_for_other_classes_are_refused_with_their_names(data, tmp_path):
    run = tw.fit(build("lenet", data), data, epochs=1, progress=False, out=tmp_path / "run")
    path = run.folder / "model.safetensors"
    others = tw.load(data.train.inputs.numpy(), [*"abcd"] * 7)
    said = r"it knows cat, dog, fox, owl, which the data have not, and the data have a, b, c, d, wh"
    with pytest.raises(WeightsError, match=said):
        build("lenet", others, weights=path)
    more = tw.load(data.train.inputs.numpy(), ["cat", "dog", "owl", "fox", "yak", "cat", "dog"] * 4)
    with pytest.raises(WeightsError, match=r"classes: the data have yak, which it does not know\."):
        build("lenet", more, weights=path)
    assert build("lenet", others, weights=path, head="new").output.out_features == 4
    assert same(build("lenet", data, weights=path), run.model)


def test_a_new_head_takes_all_but_the_output_layer(saved, data):
    new = build("resnet18", data, weights=saved, head="new", seed=7).state_dict()
    old, fresh = network().state_dict(), build("resnet18", data, seed=7).state_dict()
    for name, value in new.items():
        assert torch.equal(value, fresh[name] if name.startswith("fc.") else old[name])


def test_wrong_channels_are_refused(saved):
    with pytest.raises(
        WeightsError, match=r"images of 3 channels \('conv1.weight'\), these have 1"
    ):
        network(channels=1, weights=saved)


def test_another_stem_is_told(tmp_path):
    state = build("resnet18", classes=5, channels=3, size=224).state_dict()
    torch.save(state, tmp_path / "large.pth")
    with pytest.raises(WeightsError, match=r"filters of 7×7 .* 3×3.* stem='large'"):
        network(weights=tmp_path / "large.pth")
    assert network(weights=tmp_path / "large.pth", stem="large").conv1.kernel_size == (7, 7)


def test_heads_that_only_train_may_be_left_out(tmp_path):
    whole = build("googlenet_3x3", classes=5, channels=3, size=32)
    torch.save(whole.state_dict(), tmp_path / "whole.pth")
    bare = build(
        "googlenet_3x3", classes=5, channels=3, size=32, weights=tmp_path / "whole.pth",
        auxiliary=False,
    )  # fmt: skip
    images = torch.randn(2, 3, 32, 32)
    assert torch.equal(bare.eval()(images), whole.eval()(images))


def test_head_and_download_need_weights():
    with pytest.raises(SettingError, match="head says what to do with weights="):
        network(head="new")
    with pytest.raises(SettingError, match="head must be one of"):
        network(head="old")


def test_a_small_image_is_refused_with_the_size_that_is_needed():
    with pytest.raises(ShapeError, match="needs images of at least 32×32 pixels, got 31×40"):
        build("vgg16", classes=5, channels=3, size=(31, 40))


@pytest.fixture
def shelf(tmp_path, monkeypatch):
    """A source of public weights on this disk, and an empty cache."""
    source = tmp_path / "public"
    source.mkdir()
    state = build("resnet18", classes=1000, channels=3, size=64, seed=3).state_dict()
    torch.save(state, source / "draft")
    digest = hashlib.sha256((source / "draft").read_bytes()).hexdigest()[:8]
    name = f"resnet18-{digest}.pth"
    (source / "draft").rename(source / name)
    monkeypatch.setattr(_public, "SOURCE", f"{source.as_uri()}/")
    monkeypatch.setitem(_public.FILES, "resnet18", name)
    monkeypatch.setenv("THALWEG_CACHE", str(tmp_path / "cache"))
    return source / name


def test_public_weights_are_fetched_once_and_only_when_asked_for(shelf, tmp_path):
    sizes = {"classes": 1000, "channels": 3, "size": 64}
    with pytest.raises(WeightsError, match=r"are not here\. Pass download=True \(--download\)"):
        build("resnet18", **sizes, weights="imagenet")
    assert not (tmp_path / "cache").exists()
    first = build("resnet18", **sizes, weights="imagenet", download=True)
    shelf.unlink()
    assert same(build("resnet18", **sizes, weights="imagenet"), first)
    assert same(first, build("resnet18", **sizes, seed=3))


def test_what_was_not_published_is_refused(shelf, tmp_path):
    shelf.write_bytes(shelf.read_bytes()[:-1] + b"x")
    with pytest.raises(WeightsError, match="is not what was published: its SHA-256 begins with"):
        build("resnet18", classes=1000, channels=3, size=64, weights="imagenet", download=True)
    assert not list((tmp_path / "cache" / "weights").iterdir())


def test_what_cannot_be_fetched_is_told_in_a_line(shelf):
    shelf.unlink()
    with pytest.raises(WeightsError, match="cannot fetch file:"):
        build("resnet18", classes=1000, channels=3, size=64, weights="imagenet", download=True)
    with pytest.raises(WeightsError, match=r"no public weights for 'lenet'"):
        build("lenet", classes=10, channels=1, size=32, weights="imagenet")


@pytest.mark.parametrize("name", ["googlenet_3x3", "inception_v3"])
def test_public_weights_of_inception_nets_get_the_inputs_that_they_know(name):
    images = torch.rand(2, 3, 80, 80)  # as pixels from 0 to 1
    options = {"classes": 4, "channels": 3, "size": 80, "seed": 2}
    plain = build(name, **options).eval()
    moved = build(name, **options, transform_input=True).eval()
    mean = torch.tensor([0.485, 0.456, 0.406])[:, None, None]
    std = torch.tensor([0.229, 0.224, 0.225])[:, None, None]
    expected = plain(2 * images - 1)
    torch.testing.assert_close(moved((images - mean) / std), expected, rtol=1e-3, atol=1e-4)
    with pytest.raises(SettingError, match="3 channels"):
        build(name, classes=4, channels=1, size=80, transform_input=True)
