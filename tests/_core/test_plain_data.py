"""Dataclasses become plain data and come back; what is of another shape does not."""

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import pytest

from thalweg._core.plain_data import plain, rebuilt


@dataclass
class Inner:
    number: float
    word: str | None = None


@dataclass
class Outer:
    kind: Literal["a", "b"]
    count: int
    inner: Inner
    several: list[Inner] = field(default_factory=list)
    pair: tuple[float, int] = (0.5, 1)
    many: tuple[str, ...] = ()
    classes: tuple[str | int | float | bool, ...] = ()
    by_name: dict[str, float] = field(default_factory=dict)
    anything: Any = None


OUTER = Outer(
    "b", 3, Inner(0.5), [Inner(1.0, "x")], (2.5, 4), ("y",), ("z", 1, 2.5, True), {"a": 1.0}, [{}]
)


def test_what_was_written_comes_back():
    assert rebuilt(Outer, plain(OUTER)) == OUTER
    assert {**plain(OUTER), "pair": OUTER.pair, "many": OUTER.many} == {
        **asdict(OUTER),
        "classes": list(OUTER.classes),
    }


def test_what_a_later_version_adds_is_left_out_and_a_whole_number_may_stand_for_any():
    assert rebuilt(Inner, {"number": 1, "word": None, "later": 2}) == Inner(1.0)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("kind", "c"), ("kind", []), ("count", 1.5), ("count", "1"), ("count", 10**400)),
        *(("inner", None), ("inner", []), ("inner", {}), ("inner", {"number": "x"})),
        *(("several", {}), ("several", [None]), ("pair", [1.0]), ("pair", [1.0, 2, 3])),
        *(("many", "abc"), ("many", [1]), ("classes", [None]), ("classes", [[]])),
        *(("by_name", []), ("by_name", {"a": "b"}), ("by_name", {"a": 10**400})),
    ],
)
def test_what_is_of_another_shape_is_refused(name, value):
    with pytest.raises((TypeError, ValueError, OverflowError)):
        rebuilt(Outer, {**plain(OUTER), name: value})
