"""Dataclasses as plain data, and back."""

import functools
import types
from collections.abc import Sequence
from dataclasses import fields, is_dataclass
from typing import Any, Literal, get_args, get_origin, get_type_hints


def plain(value: Any) -> Any:
    """Return dataclasses as dictionaries, much faster than `asdict`, which copies every number."""
    if is_dataclass(value):
        return {name: plain(getattr(value, name)) for name in value.__dataclass_fields__}
    if isinstance(value, dict):
        return {name: plain(each) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return (
            list(value) if not value or isinstance(value[0], (int, float)) else [*map(plain, value)]
        )
    return value


def rebuilt(kind: Any, data: Any) -> Any:
    """Return plain data as the dataclasses that a type asks for, every value of its type.

    What a dataclass does not know is left out, so that later versions may write more.

    Raises:
        TypeError, ValueError, OverflowError: They are others.
    """
    origin, inner = get_origin(kind), get_args(kind)
    if isinstance(kind, types.UnionType):
        return _one_of(inner, data)
    if origin is Literal and data not in inner:
        raise ValueError(f"one of {', '.join(map(repr, inner))} is needed, got {data!r}")
    if is_dataclass(kind):
        return _dataclass(kind, data)
    wanted = {list: list, tuple: list, dict: dict}.get(origin, kind)
    if wanted in (bool, int, float, str, list, dict):
        data = _of_type(wanted, data)
    if origin is list:
        return [rebuilt(inner[0], each) for each in data]
    if origin is tuple:
        kinds = inner[:1] * len(data) if inner[-1] is Ellipsis else inner
        return tuple(rebuilt(each, value) for each, value in zip(kinds, data, strict=True))
    if origin is dict:
        return {name: rebuilt(inner[1], each) for name, each in data.items()}
    return data


def _of_type(wanted: type, data: Any) -> Any:
    if wanted is float and isinstance(data, int):
        return float(data)
    if not isinstance(data, wanted):
        raise TypeError(f"{wanted.__name__} is needed, got {type(data).__name__}")
    if wanted is int:
        float(data)  # A number of a thousand digits is none that was counted.
    return data


def _one_of(kinds: Sequence[Any], data: Any) -> Any:
    if data is None and types.NoneType in kinds:
        return None
    first, *others = [each for each in kinds if each is not types.NoneType]
    for kind in others:
        # A number may be whole or not, and a class may be a word too.
        if type(data) is kind:
            return rebuilt(kind, data)
    return rebuilt(first, data)


def _dataclass(kind: Any, data: Any) -> Any:
    hints, known = _hints(kind), {each.name for each in fields(kind)}
    given = _of_type(dict, data)
    return kind(**{name: rebuilt(hints[name], given[name]) for name in given if name in known})


@functools.cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)
