from pathlib import Path

import numpy as np
import pytest

import thalweg as tw
from thalweg.data import builtins
from thalweg.data._source import find_source
from thalweg.errors import SettingError, UnknownNameError


def test_a_misspelt_name_gets_a_hint():
    with pytest.raises(UnknownNameError, match=r"Did you mean 'digits'\?"):
        tw.load("digist")
    with pytest.raises(UnknownNameError, match="Known: breast-cancer, diabetes, digits"):
        tw.load("zzz")
    with pytest.raises(UnknownNameError, match="called ''"):
        tw.load("")


@pytest.mark.parametrize("path", ["digist/", "./digist", "digits.csv", "a/b", "/digits"])
def test_what_looks_like_a_path_is_none(path):
    with pytest.raises(FileNotFoundError):
        tw.load(path)


def test_a_folder_is_no_builtin_set_unless_it_is_called_like_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("photos").mkdir()
    Path("iris").mkdir()
    assert find_source("iris") == "builtin"
    assert find_source("photos") != "builtin"
    assert find_source("./iris") != "builtin"


def test_an_unknown_option_gets_a_hint():
    with pytest.raises(SettingError, match=r"'glyphs' has no option 'alphabets'\. Did you mean"):
        tw.load("glyphs", alphabets="letters")
    with pytest.raises(SettingError, match=r"'digits' has no option 'n'\. It takes no options"):
        tw.load("digits", n=5)


def test_a_set_with_one_target_takes_no_other():
    with pytest.raises(SettingError, match="brings its target"):
        tw.load("xor", "y")


def test_the_seed_reaches_generated_sets_and_only_those():
    first, other = (tw.load("moons", seed=seed) for seed in (0, 1))
    assert not np.isin(first.train.inputs.numpy(), other.train.inputs.numpy()).any()
    names = [set(tw.load("iris", seed=seed).train.names) for seed in (0, 1)]
    assert names[0] != names[1]


@pytest.mark.parametrize("entry", builtins, ids=lambda entry: entry.name)
def test_every_set_is_described_in_a_line(entry):
    assert 10 < len(entry.summary) < 80
    assert entry.value.__doc__
