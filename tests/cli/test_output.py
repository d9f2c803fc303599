import json

import pytest

from thalweg.cli._output import print_json, print_table, show, show_metric


def test_json_holds_what_json_has_no_word_for_as_null(capsys):
    print_json({"loss": [float("nan"), float("inf"), 0.5], "name": "é"})
    text = capsys.readouterr().out

    def refuse(constant):
        raise AssertionError(f"{constant} is not JSON")

    assert json.loads(text, parse_constant=refuse)["loss"] == [None, None, 0.5]
    assert "é" in text


def test_columns_align_and_end_without_spaces(capsys):
    print_table([("a", 1), ("longer", 1000)], headings=("name", "count"), right=(1,))
    lines = capsys.readouterr().out.splitlines()
    assert lines == ["name     count", "a            1", "longer    1000"]


def test_nothing_is_cut_or_folded_where_no_person_reads(capsys):
    print_table([("x" * 250, "y" * 250)])
    assert capsys.readouterr().out.split() == ["x" * 250, "y" * 250]


def test_markup_and_control_characters_of_users_are_printed_as_text(capsys):
    print_table([("[bold]a[/bold]", "b\x1b[31mc", ":smile:")])
    assert capsys.readouterr().out.split() == ["[bold]a[/bold]", "b?[31mc", ":smile:"]


def test_an_empty_table_prints_no_traceback(capsys):
    print_table([])
    assert not capsys.readouterr().out.strip()


@pytest.mark.parametrize(
    ("value", "shown"),
    [(7, "7"), (0.123456, "0.1235"), (False, "no"), ({"a": [1, 2]}, "a 1, 2"), ((), "")],
)
def test_a_cell_is_readable(value, shown):
    assert show(value) == shown


def test_an_accuracy_that_was_not_measured_shows_as_a_dash():
    assert show_metric("accuracy", None) == "–"
    assert show_metric("top5_accuracy", 1.0) == "100.00 %"
