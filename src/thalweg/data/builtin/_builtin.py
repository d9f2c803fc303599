"""Builtin data sets: how they are named, found and read."""

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

from thalweg._core import formats
from thalweg._core.registry import Registry, did_you_mean
from thalweg.data._source import Raw, Source, check_options, sources
from thalweg.errors import SettingError, UnknownNameError

builtins: Registry[Callable[..., Raw]] = Registry("builtin data set")
"""Every builtin set by name.

Its keyword-only parameters are its options. `seed` gets the seed of `tw.load`; `target`, where
there is one, names another column than the usual.
"""


def _accepts(data: Any) -> bool:
    """Return True for a builtin name, and for a bare word that is nothing else.

    A file or folder beside the program that is called like a builtin set is "./digits".
    """
    if not isinstance(data, str):
        return False
    is_bare = data == Path(data).name and not Path(data).suffix
    # An empty name would otherwise be the current folder.
    return data in builtins or data == "" or (is_bare and not Path(data).exists())


def _read(data: str, target: Any, *, seed: int = 0, **options: Any) -> Raw:
    if data not in builtins:
        raise UnknownNameError(
            f"there is no builtin data set, file or folder called {formats.plain(data)!r}. "
            f"{did_you_mean(data, builtins.names())}"
        )
    make = builtins[data]
    parameters = inspect.signature(make).parameters
    check_options(make, options, f"the builtin data set {data!r}")
    if target is not None:
        if "target" not in parameters:
            raise SettingError(f"the builtin data set {data!r} brings its target; leave it out.")
        options["target"] = target
    if "seed" in parameters:
        options["seed"] = seed
    return make(**options)


sources.register("builtin", summary="a builtin set by name, tw.load('digits')")(
    Source(_accepts, _read)
)
