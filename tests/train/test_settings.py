"""The file of settings: what is written comes back, and what cannot be read is told."""

import tomllib
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from thalweg import __version__
from thalweg._core.choices import Choice
from thalweg.errors import DataNotFoundError, RunError, SettingError
from thalweg.train import Config, Settings, read_toml
from thalweg.train._settings import made_with


def example(**changes) -> Settings:
    parts = {
        "data": {"source": "dönnées/数据.csv", "target": "größe", "valid": 0.2, "seed": 3},
        "model": {"name": "mlp", "seed": 1, "hidden": [64, 32]},
        "task": {"name": "multiclass", "class_weights": [1.0, 2.5]},
        "train": Config(
            optimizer="adam", optimizer_options={"betas": (0.8, 0.9)}, learning_rate=0.1 + 0.2
        ),
    }
    return Settings(**{**parts, **changes})


def test_comes_back_from_its_file_to_the_bit(tmp_path):
    example().write(tmp_path / "config.toml", [])
    assert Settings.read(tmp_path / "config.toml") == example()


plain = st.recursive(
    st.one_of(
        st.booleans(),
        st.integers(-(2**63), 2**63 - 1),
        st.floats(allow_nan=False),
        st.text(st.characters(exclude_categories=["Cs"])),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner, max_size=3),
    ),
    max_leaves=8,
)


@given(st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), plain, max_size=4))
def test_any_plain_options_come_back(tmp_path, options):
    written = example(data=options)
    written.write(tmp_path / "config.toml", [])
    assert Settings.read(tmp_path / "config.toml") == written


def test_none_is_left_out_and_other_kinds_are_made_plain(tmp_path):
    data = {
        "source": Path("photos") / "cats",
        "group": None,
        "size": (32, 24),
        "valid": np.float32(0.25),
        "seed": np.int64(3),
        "nested": {"a": None, "b": (np.bool_(True),)},
    }
    example(data=data).write(tmp_path / "config.toml", [])
    assert Settings.read(tmp_path / "config.toml").data == {
        "source": "photos/cats",
        "size": [32, 24],
        "valid": 0.25,
        "seed": 3,
        "nested": {"b": [True]},
    }


def test_the_file_says_why_each_automatic_value_was_chosen(tmp_path):
    choices = [Choice("epochs", 30, "3,000 steps in all"), Choice("device", "cpu", "kein GPU: ñ")]
    example().write(tmp_path / "config.toml", choices)
    document = tomllib.loads((tmp_path / "config.toml").read_text(encoding="utf-8"))
    assert document["reasons"] == {
        "epochs": "30: 3,000 steps in all",
        "device": "cpu: kein GPU: ñ",
    }


def test_the_file_says_what_it_was_made_with(tmp_path):
    example().write(tmp_path / "config.toml", [])
    document = read_toml(tmp_path / "config.toml")
    assert document["made_with"] == made_with()
    assert made_with()["thalweg"] == __version__
    assert made_with()["torch"] == torch.__version__
    assert made_with()["threads"] == torch.get_num_threads()


def test_a_file_written_by_hand_needs_only_what_differs(tmp_path):
    (tmp_path / "mine.toml").write_text("[train]\nepochs = 3\nmomentum = 0.5\noptimizer = 'sgd'\n")
    read = Settings.read(tmp_path / "mine.toml")
    assert read.train == Config(epochs=3, optimizer="sgd", optimizer_options={"momentum": 0.5})
    assert read.data == read.model == read.task == {}


def test_the_mark_that_some_editors_write_first_is_no_matter(tmp_path):
    (tmp_path / "mine.toml").write_text("[train]\nepochs = 3\n", encoding="utf-8-sig")
    assert Settings.read(tmp_path / "mine.toml").train.epochs == 3


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"[train\nepochs = 3", "not a file of settings in TOML"),
        (b"\xff\xfe\x00", "not a file of settings in TOML"),
        (b"epochs = 3", "has 'epochs' at its top level; the sections are [data], [model]"),
        (b"[trian]\nepochs = 3", "has 'trian' at its top level"),
        (b"train = 3", "has 'train' at its top level"),
        (b"[train]\nepoch = 3", "unknown setting 'epoch'. Did you mean 'epochs'?"),
        (b"[train]\nepochs = 'many'", "epochs must be a whole number"),
        (b"[train]\noptimizer_options = 3", "optimizer_options must be a table"),
    ],
)
def test_a_file_that_cannot_be_used_is_told_in_one_line(tmp_path, content, message):
    (tmp_path / "broken.toml").write_bytes(content)
    with pytest.raises(SettingError) as caught:
        Settings.read(tmp_path / "broken.toml")
    assert message in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_a_file_that_is_not_there_is_told(tmp_path):
    with pytest.raises(DataNotFoundError, match="there is no file of settings"):
        Settings.read(tmp_path / "absent.toml")


def test_a_folder_is_no_file(tmp_path):
    with pytest.raises(SettingError, match="not a file of settings"):
        Settings.read(tmp_path)


def test_a_file_that_cannot_be_written_is_told(tmp_path):
    with pytest.raises(RunError, match="cannot write"):
        example().write(tmp_path / "absent" / "config.toml", [])


def test_a_registered_network_is_described_by_its_recipe():
    recipe = example().recipe((4,), 3)
    assert recipe is not None
    assert (recipe.name, recipe.shape, recipe.outputs, recipe.seed) == ("mlp", (4,), 3, 1)
    assert recipe.options == {"hidden": [64, 32]}
    other = example(model={"name": "mlp", "outputs": 7}).recipe((4,), 3)
    assert other is not None
    assert (other.outputs, other.seed, other.options) == (7, 0, {})


def test_any_other_network_has_no_recipe():
    assert example(model={"class": "mine.Network"}).recipe((4,), 3) is None
