"""Dataclasses as plain data, and back."""

import types
from dataclasses import fields, is_dataclass
from typing import Any, get_args, get_origin, get_type_hints


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
    """Return plain data as the dataclasses that a type asks for.

    Raises:
        KeyError, TypeError, AttributeError, OverflowError: They are others.
    """
    origin, inner = get_origin(kind), get_args(kind)
    if isinstance(kind, types.UnionType):
        if data is None:
            return None
        return rebuilt(next(each for each in inner if each is not types.NoneType), data)
    if is_dataclass(kind):
        hints = get_type_hints(kind)
        known = {each.name for each in fields(kind)}
        given = {name: rebuilt(hints[name], data[name]) for name in data if name in known}
        return kind(**given)  # type: ignore[operator]
    wanted = {list: list, tuple: list, dict: dict}.get(origin)
    if wanted is not None and not isinstance(data, wanted):
        raise TypeError(f"a {wanted.__name__} is needed, got {type(data).__name__}")
    if origin is list:
        return [rebuilt(inner[0], each) for each in data]
    if origin is tuple:
        return tuple(data)
    if origin is dict:
        return {name: rebuilt(inner[1], each) for name, each in data.items()}
    if kind is float and isinstance(data, int):
        return float(data)
    if kind in (int, float, str, bool) and not isinstance(data, kind):
        raise TypeError(f"a number or word of type {kind.__name__} is needed")
    return data
