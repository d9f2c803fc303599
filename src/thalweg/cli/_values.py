"""`key=value` as people type it."""

import ast
import datetime as dt
import re
import tomllib
from collections.abc import Iterable
from typing import Any

from thalweg._core import formats
from thalweg.errors import SettingError

_SETTING = re.compile(r"([^\W\d][\w.]*)=(.*)", re.DOTALL)
_DATES = (dt.date, dt.time)


def is_setting(word: str) -> bool:
    """Return whether a word has the form `key=value`."""
    return _SETTING.fullmatch(word) is not None


def parse_settings(words: Iterable[str]) -> dict[str, Any]:
    """Return settings by name; of two for the same name the later one.

    Raises:
        SettingError: A word does not have the form `key=value`.

    Example:
        >>> parse_settings(["epochs=3", "hidden=64,64", "schedule=cosine"])
        {'epochs': 3, 'hidden': [64, 64], 'schedule': 'cosine'}
    """
    settings = {}
    for word in words:
        match = _SETTING.fullmatch(word)
        if match is None:
            raise SettingError(
                f"a setting must have the form key=value, got {formats.plain(word)!r}. "
                "One source at most is named, and it comes first."
            )
        settings[match[1]] = parse_value(match[2])
    return settings


def parse_value(text: str) -> Any:
    """Return a value: as TOML writes it, else a list where it has commas, else the text.

    Example:
        >>> [parse_value(text) for text in ("0.1", "true", "1,2", "[1, 2]", "{'a': 1}")]
        [0.1, True, [1, 2], [1, 2], {'a': 1}]
    """
    try:
        # A line break would let a value smuggle in further keys.
        document = {} if "\n" in text else tomllib.loads(f"value = {text}")
    except (tomllib.TOMLDecodeError, RecursionError):  # the latter for thousands of brackets
        document = {}
    if "value" in document and not isinstance(document["value"], _DATES):
        return document["value"]
    if text.startswith("{") and (table := _python_table(text)) is not None:
        return table
    if "," in text:
        return [parse_value(part.strip()) for part in text.split(",") if part.strip()]
    return _python_value(text)


def parse_names(text: str) -> str | list[str]:
    """Return the name of a column, or those of several between commas.

    Example:
        >>> parse_names("price"), parse_names("width,height")
        ('price', ['width', 'height'])
    """
    names = [part.strip() for part in text.split(",") if part.strip()]
    return names if len(names) > 1 else text


def _python_table(text: str) -> dict[str, Any] | None:
    """Return a table as Python and JSON write it; messages show it so."""
    try:
        table = ast.literal_eval(text)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return None
    return table if isinstance(table, dict) and all(isinstance(k, str) for k in table) else None


def _python_value(text: str) -> Any:
    """Return what Python would read where TOML is stricter: `.5`, `1.`, `True`."""
    if text in ("True", "False"):
        return text == "True"
    if re.fullmatch(r"[+-]?(\d+\.|\.\d+)([eE][+-]?\d+)?", text):
        return float(text)
    return text
