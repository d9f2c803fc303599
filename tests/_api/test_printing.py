"""Decisions are printed whole, wherever they are read."""

from thalweg._api._printing import print_choices
from thalweg._core.choices import Choice

CHOICES = [Choice("preprocessing", "standardize", "word " * 40), Choice("rate", 0.001, "usual")]


def test_a_file_gets_a_line_per_decision(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    print_choices(CHOICES)
    lines = capsys.readouterr().err.splitlines()
    assert [line.split()[:2] for line in lines] == [
        ["preprocessing", "standardize"],
        ["rate", "0.001"],
    ]
    assert lines[0].count("word") == 40


def test_a_narrow_terminal_folds_and_cuts_nothing(capsys, monkeypatch):
    for name, value in (("COLUMNS", "40"), ("FORCE_COLOR", "1"), ("NO_COLOR", "1")):
        monkeypatch.setenv(name, value)
    print_choices(CHOICES)
    shown = capsys.readouterr().err
    assert "…" not in shown
    assert shown.count("word") == 40
