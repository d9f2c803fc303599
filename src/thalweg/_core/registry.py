"""Things found by name, and the nearest name when there is none."""

import difflib
import importlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar, cast

from thalweg._core import formats
from thalweg.errors import UnknownNameError

T = TypeVar("T")
S = TypeVar("S")


def did_you_mean(name: object, known: Iterable[str]) -> str:
    """Return the hint that ends a message about an unknown name.

    Example:
        >>> did_you_mean("lent", ["lenet", "mlp"])
        "Did you mean 'lenet'?"
        >>> did_you_mean("zzz", ["lenet", "mlp"])
        'Known: lenet, mlp.'
    """
    names = sorted(set(known))
    wanted = str(name).lower()  # a file of settings may hold a number in place of a name
    close = [each for each in names if wanted and _initials(each) == wanted]
    close += difflib.get_close_matches(wanted, names, n=1, cutoff=0.6)
    return f"Did you mean {close[0]!r}?" if close else f"Known: {', '.join(names) or 'none'}."


def _initials(name: str) -> str:
    """Return what many write for a name of several words: "lr" for "learning_rate"."""
    return "".join(word[0] for word in name.split("_") if word) if "_" in name else ""


@dataclass(frozen=True)
class Entry(Generic[T]):
    """A registered thing with the line that describes it."""

    name: str
    value: T
    summary: str


class Registry(Generic[T]):
    """Names and what they stand for, in order of registration.

    Args:
        noun: What one entry is, for messages: "network", "data set".

    Example:
        >>> colours = Registry[int]("colour")
        >>> _ = colours.register("red", summary="the colour of blood")(0xFF0000)
        >>> colours["red"] == 0xFF0000
        True
        >>> colours["rde"]
        Traceback (most recent call last):
        thalweg.errors.UnknownNameError: unknown colour 'rde'. Did you mean 'red'?
    """

    def __init__(self, noun: str) -> None:
        self.noun = noun
        self._entries: dict[str, Entry[T]] = {}
        self._promised: dict[str, str] = {}

    def register(self, name: str, *, summary: str) -> Callable[[S], S]:
        """Return a decorator that files its argument under `name` and keeps its type."""

        def file(value: S) -> S:
            assert name not in self._entries, f"{self.noun} {name!r} is registered twice"
            self._entries[name] = Entry(name, cast("T", value), summary)
            return value

        return file

    def promise(self, name: str, module: str) -> None:
        """Name the module that registers `name`, to be imported once somebody asks for it."""
        self._promised[name] = module

    def __getitem__(self, name: str) -> T:
        return self.entry(name).value

    def entry(self, name: str) -> Entry[T]:
        """Return the entry of that name.

        Raises:
            UnknownNameError: Nothing is registered under `name`.
        """
        if name not in self:
            raise UnknownNameError(
                f"unknown {self.noun} {formats.plain(repr(name))}. "
                f"{did_you_mean(name, self.names())}"
            )
        if name not in self._entries:
            importlib.import_module(self._promised[name])
        return self._entries[name]

    def __contains__(self, name: object) -> bool:
        # A file of settings may hold a list in place of a name, which no dictionary looks up.
        return isinstance(name, str) and (name in self._entries or name in self._promised)

    def __iter__(self) -> Iterator[Entry[T]]:
        return iter([self.entry(name) for name in self.names()])

    def __len__(self) -> int:
        return len(self.names())

    def names(self) -> list[str]:
        """Return every name, in order of registration; last those that are only promised."""
        return list({**self._entries, **self._promised})
