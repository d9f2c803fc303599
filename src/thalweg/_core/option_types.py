"""What an option may be, as the function that takes it is annotated."""

import types
from collections.abc import Mapping, Sequence
from numbers import Integral, Real
from pathlib import Path
from typing import Any, Union, get_args, get_origin

import numpy as np

WORDS = {
    str: "a text",
    Path: "a path",
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    Sequence: "a list",
    Mapping: "a table",
}


def misfit(annotation: Any, value: Any) -> str | None:
    """Return in words what is needed where a value is not of its annotation's type, else None.

    What is annotated in another way than options are takes anything.

    Example:
        >>> misfit(int | None, "many"), misfit(float, 2), misfit(Sequence[str], ["a"])
        ('a whole number', None, None)
    """
    kinds = get_args(annotation) if _is_union(annotation) else (annotation,)
    if any(_fits(kind, value) for kind in kinds):
        return None
    words = [WORDS[get_origin(kind) or kind] for kind in kinds if kind is not type(None)]
    return " or ".join(dict.fromkeys(words))


def _is_union(annotation: Any) -> bool:
    return get_origin(annotation) in (Union, types.UnionType)


def _fits(kind: Any, value: Any) -> bool:
    if kind is None or kind is type(None):
        return value is None
    outer, inner = get_origin(kind) or kind, get_args(kind)
    if outer is Mapping:
        fits = isinstance(value, Mapping)
        return fits and all(misfit(inner[1], each) is None for each in value.values())
    if outer is Sequence:
        fits = isinstance(value, (list, tuple, np.ndarray))
        return fits and all(misfit(inner[0], each) is None for each in value)
    if outer in (int, float):
        fits = isinstance(value, Integral if outer is int else Real)
        return fits and not isinstance(value, bool)
    if outer is Path:
        return isinstance(value, (str, Path))
    return not (outer is str or outer is bool) or isinstance(value, outer)
