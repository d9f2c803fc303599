"""Only what differs is shown."""

import pytest

import thalweg as tw
from thalweg.errors import RunError, SettingError


def test_shows_the_settings_that_differ_and_every_score():
    first = tw.fit("mlp", "iris", epochs=2, batch_size=8, out="first", progress=False)
    second = tw.fit("mlp", "iris", epochs=2, batch_size=16, out="second", progress=False)
    first.score("test")
    comparison = tw.compare("first", second)
    assert comparison.settings == {"train.batch_size": (8, 16)}
    accuracy = first.score("test")["accuracy"]
    assert comparison.scores["test accuracy"] == (accuracy, None)
    best = second.history.epochs[second.status.best_epoch - 1]
    assert comparison.scores["valid loss"][1] == best["valid_loss"]


def test_needs_two_runs_that_exist():
    with pytest.raises(SettingError, match="at least two"):
        tw.compare("one")
    with pytest.raises(RunError, match="is not a run: there is no such folder"):
        tw.compare("one", "two")
