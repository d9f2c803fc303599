import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from thalweg.cli._values import is_setting, parse_settings, parse_value
from thalweg.errors import SettingError


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("3", 3),
        ("0.1", 0.1),
        ("1e-3", 0.001),
        ("-2", -2),
        (".5", 0.5),
        ("1.", 1.0),
        ("true", True),
        ("False", False),
        ("relu", "relu"),
        ('"3"', "3"),
        ("[64, 64]", [64, 64]),
        ("64,64", [64, 64]),
        ("64,", [64]),
        ("a,b c", ["a", "b c"]),
        ('{a = "category"}', {"a": "category"}),
        ("{'a b': 'category', 'c': 'number'}", {"a b": "category", "c": "number"}),
        ('{"a": "category"}', {"a": "category"}),
        ("{a}", "{a}"),
        ("{1: 2}", "{1: 2}"),
        ("", ""),
        ("2024-01-31", "2024-01-31"),
        ("C:\\data", "C:\\data"),
        ("größe", "größe"),
        ("007", "007"),
    ],
)
def test_a_value_is_read_as_people_mean_it(text, value):
    parsed = parse_value(text)
    assert parsed == value
    assert type(parsed) is type(value)


@given(st.one_of(st.integers(-(2**60), 2**60), st.floats(allow_nan=False), st.booleans()))
def test_a_value_that_toml_writes_is_read_as_toml_reads_it(value):
    text = str(value).lower()
    assert parse_value(text) == tomllib.loads(f"x = {text}")["x"]


@given(st.text())
def test_no_text_is_refused_as_a_value(text):
    parse_value(text)


def test_a_line_break_does_not_smuggle_in_a_second_key():
    assert parse_value("1\nepochs = 2") == "1\nepochs = 2"


def test_of_two_values_the_later_one_holds():
    assert parse_settings(["a=1", "b=2", "a=3"]) == {"a": 3, "b": 2}


def test_only_the_first_equals_sign_divides():
    assert parse_settings(["model.name=a=b"]) == {"model.name": "a=b"}


def test_a_word_without_a_key_is_refused():
    with pytest.raises(SettingError, match="form key=value, got 'photos'"):
        parse_settings(["epochs=3", "photos"])


def test_a_key_may_have_any_letters():
    assert parse_settings(["größe=3"]) == {"größe": 3}


def test_thousands_of_brackets_are_text():
    assert parse_value("[" * 5000) == "[" * 5000


@pytest.mark.parametrize("word", ["photos", "./a=b", "=3", "3=4", "a b=c"])
def test_what_does_not_begin_with_a_name_is_no_setting(word):
    assert not is_setting(word)
