"""Numbers and names as people read them."""

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from thalweg._core import formats


@pytest.mark.parametrize(
    ("number", "shown"), [(0, "0"), (999, "999"), (1000, "1,000"), (1234567.4, "1,234,567")]
)
def test_counts_have_thousands_separated(number, shown):
    assert formats.count(number) == shown


@pytest.mark.parametrize(
    ("duration", "shown"),
    [
        (0.0, "0.0 ms"),
        (0.99994, "999.9 ms"),
        (0, "0.0 ms"),
        (9.994e-5, "99.9 µs"),
        (9.996e-5, "0.1 ms"),
        (0.99996, "1.0 s"),
        (1.0, "1.0 s"),
        (59.94, "59.9 s"),
        (59.96, "1 min 00 s"),
        (60, "1 min 00 s"),
        (3599.4, "59 min 59 s"),
        (3599.6, "1 h 00 min"),
        (90061, "25 h 01 min"),
        (math.inf, "unknown"),
        (math.nan, "unknown"),
    ],
)
def test_durations_take_the_unit_that_suits_them(duration, shown):
    assert formats.seconds(duration) == shown


@given(st.floats(0, 1e6))
def test_a_duration_never_shows_a_full_unit_of_the_next_kind(duration):
    shown = formats.seconds(duration)
    limits = {"µs": 100.0, "ms": 1000.0, "s": 60.0, "min": 60.0, "h": math.inf}
    for number, unit in re.findall(r"([\d.]+) (\w+)", shown):
        assert float(number) < limits[unit], shown


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.0 KiB"),
        (1536, "1.5 KiB"),
        (2**20 - 1, "1.0 MiB"),
        (2**30, "1.0 GiB"),
        (5 * 2**40, "5120.0 GiB"),
    ],
)
def test_sizes_are_in_binary_units(number, shown):
    assert formats.size(number) == shown


@given(st.integers(0, 2**45))
def test_a_size_is_right_to_the_digits_shown(number):
    value, unit = formats.size(number).split()
    scale = {"B": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}[unit]
    assert abs(float(value) * scale - number) <= 0.051 * scale
    assert unit == "GiB" or float(value) < 1024


@pytest.mark.parametrize(
    ("value", "shown"), [(0.123456, "0.1235"), (1e-7, "1e-07"), (2, "2"), (math.nan, "nan")]
)
def test_measured_numbers_have_four_figures(value, shown):
    assert formats.figure(value) == shown


@pytest.mark.parametrize(("share", "shown"), [(0, "0.00 %"), (1, "100.00 %"), (0.98148, "98.15 %")])
def test_shares_are_shown_as_per_cent(share, shown):
    assert formats.percent(share) == shown


@given(st.text())
def test_any_text_becomes_one_printable_line(text):
    shown = formats.plain(text)
    assert len(shown) <= 120
    assert len(shown.splitlines()) <= 1
    assert not any(ord(char) < 32 or 127 <= ord(char) < 160 for char in shown)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("größe 数 ñ", "größe 数 ñ"),
        ("a\u202egnp.exe", "a?gnp.exe"),  # turns the reading direction around
        ("zero\u200bwidth", "zero?width"),
        ("two\u2028lines", "two?lines"),
        ("half\ud800", "half?"),
        (7, "7"),
    ],
)
def test_what_can_deceive_is_replaced_and_the_rest_kept(text, shown):
    assert formats.plain(text) == shown


def test_long_text_is_cut_where_asked():
    assert formats.plain("x" * 10, longest=10) == "x" * 10
    assert formats.plain("x" * 11, longest=10) == "x" * 9 + "…"
