"""TOML of anybody, read in a time that grows as the text does."""

import tomllib
from collections.abc import Iterator
from typing import Any

# Characters, bytes mostly: settings with an option for each of twenty thousand columns.
LONGEST = 2**20
# Python's reader takes the square of a key's parts: sixteen thousand, in 32 KiB, are four seconds.
MOST_PARTS = 100


def loads(text: str) -> dict[str, Any]:
    r"""Return what TOML says.

    Raises:
        ValueError: It is no TOML, or would take its reader too long.
        RecursionError: It nests too deeply.

    Example:
        >>> loads("[train]\nepochs = 3")
        {'train': {'epochs': 3}}
    """
    if len(text) > LONGEST:
        raise ValueError(f"it has {len(text):,} characters, and settings have {LONGEST:,} at most")
    if max(map(_dots, text.split("\n")), default=0) > MOST_PARTS:  # Which is seldom so.
        bare = "".join(_outside_strings(text))
        for number, line in enumerate(bare.split("\n"), start=1):
            if _dots(line) > MOST_PARTS:
                raise ValueError(f"line {number} has a key of more than {MOST_PARTS} parts")
    return tomllib.loads(text)


def _dots(line: str) -> int:
    return line.count(".")


def _outside_strings(text: str) -> Iterator[str]:
    """Yield the text without what stands in strings and comments, its line feeds kept."""
    quote, place = "", 0
    while place < len(text):
        character = text[place]
        triple = text[place : place + 3]
        if not quote and character == "#":
            end = text.find("\n", place)
            place = len(text) if end < 0 else end
            continue
        if not quote and character in "\"'":
            quote = triple if triple == 3 * character else character
            place += len(quote)
            continue
        if quote and character == "\\" and quote[0] == '"':
            place += 2
            continue
        if quote and text.startswith(quote, place):
            place += len(quote)
            # Before three that close, up to two more may stand in the string itself.
            extra = 0
            while len(quote) == 3 and extra < 2 and text.startswith(quote[0], place + extra):
                extra += 1
            place, quote = place + extra, ""
            continue
        if character == "\n" and len(quote) == 1:
            quote = ""  # Never closed, which the reader will say.
        if not quote or character == "\n":
            yield character
        place += 1
