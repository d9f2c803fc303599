"""Inputs that are nearly sound: seeds with a few things changed, as bytes or as what they say."""

import json
import tomllib
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

import tomli_w

LARGEST = 2**16
"""Bytes of an input; faults of readers show in small ones."""
NUMBERS = (0, 1, -1, 2, 127, 128, 255, 256, 2**15, 2**16 - 1, 2**31 - 1, 2**31, 2**32 - 1)
VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1, 2, 3, 1.5, -0.0, 1e-300, 1e300, 10**9, 10**18, 10**400),
    *(float("nan"), float("inf"), "", "x", "find", "../../x", "/dev/zero", "\0", "\udc80", "\n"),
    *("\x1b[31m", "\u202e", "yes", "nan", "1e999", "2026-02-30", "con", "__class__", "a" * 300),
    *([], {}, [[]], [{}], [None], {"a": None}, {"": {}}, [1, 2], ["a", "b"], [0] * 100),
)
TOKENS = (
    *(b"\0", b"\n", b"\r\n", b",", b";", b"\t", b'"', b'""', b"'", b"=", b"#", b"[", b"]", b"{"),
    *(b"}", b"()", b"nan", b"inf", b"-1", b"1e999", b"0x7f", b"None", b"True", b"\xff", b"\x80"),
    *(b"\xef\xbb\xbf", b"\xff\xfe", b"\x1f\x8b\x08", b"PK\x01\x02", b"PK\x05\x06", b"IEND"),
    *(b"\xe2\x80\xae", b"\xf0\x9f\x98\x80", b"\xed\xa0\x80", b"../", b"[[", b"a.b.c.d", b"\x1b["),
)


def mutate(seed: bytes, others: Sequence[bytes], draw: Random) -> bytes:
    """Return a seed with one to four changes."""
    content = seed
    for _ in range(draw.choice((1, 1, 2, 4))):
        change = _speaking if draw.random() < 0.5 else _bytewise
        content = change(content, others, draw)
    return content[:LARGEST]


def _bytewise(content: bytes, others: Sequence[bytes], draw: Random) -> bytes:
    start = draw.randint(0, len(content))
    stop = min(len(content), start + draw.choice((0, 1, 2, 4, 8, 16, 100)))
    width = draw.choice((1, 2, 4, 8))
    number = draw.choice(NUMBERS) % 2 ** (8 * width)
    other = draw.choice(others)
    cut = draw.randint(0, len(other))
    changed: Callable[[], bytes] = draw.choice(
        (
            lambda: content[:start],
            lambda: content[:start] + content[stop:],
            lambda: content[:stop] + content[start:],
            lambda: content[:start] + draw.randbytes(stop - start) + content[stop:],
            lambda: content[:start] + bytes(stop - start) + content[stop:],
            lambda: content[:start] + draw.choice(TOKENS) + content[stop:],
            lambda: content[:start] + draw.choice(TOKENS) * draw.choice((2, 50)) + content[start:],
            lambda: _flipped(content, start, draw.randrange(8)),
            lambda: (
                content[:start]
                + number.to_bytes(width, draw.choice(("little", "big")))
                + content[start + width :]
            ),
            lambda: content[:start] + other[cut:],
        )
    )
    return changed()


def _flipped(content: bytes, place: int, bit: int) -> bytes:
    if place == len(content):
        return content
    return content[:place] + bytes([content[place] ^ 1 << bit]) + content[place + 1 :]


def _speaking(content: bytes, others: Sequence[bytes], draw: Random) -> bytes:
    """Change a value of a document, or bytes where it is none."""
    for read, write in ((json.loads, _as_json), (_from_toml, _as_toml), (_from_lines, _as_lines)):
        try:
            document = read(content)
            if isinstance(document, (dict, list)) and document:
                _change(document, draw)
                return write(document)
        except (ValueError, TypeError, RecursionError, AttributeError, OverflowError):
            continue
    return _bytewise(content, others, draw)


def _change(document: Any, draw: Random) -> None:
    """Replace, remove or add one value, anywhere in a document."""
    places = [(document, key) for key in _keys(document)]
    for parent, key in places:
        places += [(parent[key], inner) for inner in _keys(parent[key])]
        if len(places) > 2000:
            break
    parent, key = draw.choice(places)
    donor, there = draw.choice(places)
    value = draw.choice(VALUES) if draw.random() < 0.8 else donor[there]
    action = draw.random()
    if action < 0.15:
        del parent[key]
    elif action < 0.3 and isinstance(parent, list):
        parent.insert(key, value)
    elif action < 0.3:
        parent[str(draw.choice(VALUES))] = value
    elif action < 0.4 and isinstance(parent[key], (int, float)):
        parent[key] = parent[key] * draw.choice((-1, 2, 10**6))
    else:
        parent[key] = json.loads(json.dumps(value)) if value is not parent else None


def _keys(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(value)
    return list(range(len(value))) if isinstance(value, list) else []


def _as_json(document: Any) -> bytes:
    return json.dumps(document).encode()


def _from_toml(content: bytes) -> Any:
    return tomllib.loads(content.decode())


def _as_toml(document: Any) -> bytes:
    return tomli_w.dumps(document).encode()


def _from_lines(content: bytes) -> Any:
    return [json.loads(line) for line in content.splitlines()]


def _as_lines(document: Any) -> bytes:
    return b"".join(_as_json(row) + b"\n" for row in document)
