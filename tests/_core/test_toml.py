"""TOML is read as Python's reader reads it, unless that would take too long."""

import time
import tomllib

import pytest
import tomli_w
from hypothesis import given
from hypothesis import strategies as st

from thalweg._core import toml

KEY = ".".join(["a"] * 200)


@pytest.mark.parametrize(
    "text",
    [
        f"{KEY} = 1",
        f"[{KEY}]",
        f"[[{KEY}]]",
        f"x = {{{KEY} = 1}}",
        f"x = ['\"', {{{KEY} = 1}}]",
        f'x = ["\'", {{{KEY} = 1}}]',
        f"x = ['''it's''', {{{KEY} = 1}}]",
        f'x = ["""say "so" """, {{{KEY} = 1}}]',
        f'x = ["""\n""", {{{KEY} = 1}}]',
        f"x = ['''\n#''', {{{KEY} = 1}}]",
        f"# it's\n{KEY} = 1",
        f'x = ["""a"""", {{{KEY} = 1}}]',
        f"x = ['''a''''', {{{KEY} = 1}}]",
        f'x = "\\\\" # "\n{KEY} = 1',
        f'"a b".{KEY} = 1',
    ],
)
def test_a_key_of_hundreds_of_parts_is_refused_wherever_it_hides(text):
    assert tomllib.loads(text)  # It is TOML.
    with pytest.raises(ValueError, match=r"line \d has a key of more than 100 parts"):
        toml.loads(text)


@pytest.mark.parametrize(
    "text", [f'x = "{KEY}"', f"x = '{KEY}'", f'x = """\n{KEY}\n"""', f"x = 1 # {KEY}"]
)
def test_dots_in_strings_and_comments_are_no_keys(text):
    assert toml.loads(text) == tomllib.loads(text)


def test_what_would_take_minutes_is_refused_at_once():
    began = time.process_time()
    for text in (
        ".".join(["a"] * 500_000) + "=1",
        "a=" + "1" * 2**21,
        '"\\"' * 3 * 10**5 + "." * 200,
    ):
        with pytest.raises(ValueError):
            toml.loads(text)
    assert time.process_time() - began < 10


values = st.recursive(
    st.text(alphabet=st.sampled_from("a.\"'#\\\n=[]{}"))
    | st.floats(allow_nan=False)
    | st.booleans(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(min_size=1), inner),
    max_leaves=8,
)


@given(st.dictionaries(st.text(min_size=1), values), st.booleans())
def test_whatever_is_written_is_read_back(document, multiline):
    text = tomli_w.dumps({"x": "." * 101, **document}, multiline_strings=multiline)
    assert toml.loads(text) == tomllib.loads(text)
