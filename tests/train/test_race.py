"""Contests between values of a setting."""

import pytest

import thalweg as tw
from thalweg.train._defaults import complete
from thalweg.train._race import comparison, fastest, race
from thalweg.train._trial import Trial


@pytest.fixture
def subject():
    data = tw.load("iris")
    task, _ = tw.tasks.choose(data.schema.target, outputs=3)
    return tw.build("mlp", data), data, task


def test_turns_are_taken_one_after_the_other_and_the_median_counts(subject, monkeypatch):
    asked = []
    seconds = {1: [3.0, 1.0, 9.0, 2.0], 2: [0.9, 8.0, 3.0]}  # The first tells how long a turn is.

    def told(trial, steps):
        asked.append(trial.config.threads)
        return seconds[trial.config.threads].pop(0)

    monkeypatch.setattr(Trial, "seconds", told)
    config, _ = complete(tw.train.Config(), *subject[:2])
    assert race(subject, config, "threads", [1, 2], is_short=True) == {1: 2.0, 2: 3.0}
    assert asked == [1, 1, 2, 1, 2, 1, 2]


def test_who_is_far_behind_takes_no_further_turn(subject, monkeypatch):
    asked = []

    def told(trial, steps):
        asked.append(trial.config.threads)
        return {1: 1.0, 2: 2.1, 3: 1.9}[trial.config.threads]

    monkeypatch.setattr(Trial, "seconds", told)
    config, _ = complete(tw.train.Config(), *subject[:2])
    assert race(subject, config, "threads", [1, 2, 3]) == {1: 1.0, 2: 2.1, 3: 1.9}
    assert [asked.count(each) for each in (1, 2, 3)] == [6, 1, 5]


def test_a_short_race_ends_where_nobody_leads(subject, monkeypatch):
    asked = []

    def told(trial, steps):
        asked.append(trial.config.threads)
        return {1: 1.0, 2: 0.96}[trial.config.threads]

    monkeypatch.setattr(Trial, "seconds", told)
    config, _ = complete(tw.train.Config(), *subject[:2])
    assert race(subject, config, "threads", [1, 2], is_short=True) == {1: 1.0, 2: 0.96}
    assert asked == [1, 1, 2]


def test_the_usual_stays_unless_another_gains_a_share():
    seconds = {"a": 1.0, "b": 0.96}
    assert fastest(seconds, usual="a") == "a"
    assert fastest(seconds, usual="a", margin=0.03) == "b"
    assert fastest({"a": 1.0, "b": 0.9}, usual="a") == "b"


def test_times_are_told_with_the_best_first():
    told = comparison({1: 0.0015, 2: 0.01, 4: 0.0123456}, 2, "with {}")
    assert told == "10 ms a step; 1.5 ms with 1, 12.3 ms with 4"
    assert comparison({1: 0.01}, 1, "with {}") == "10 ms a step"
