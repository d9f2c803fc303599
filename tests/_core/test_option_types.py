from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from thalweg._core.option_types import misfit


@pytest.mark.parametrize(
    ("annotation", "value"),
    [
        (str, "x"),
        (str | None, None),
        (int, 3),
        (int, np.int64(3)),
        (float, 3),
        (float, np.float32(0.5)),
        (bool, True),
        (Path, "a/b"),
        (str | Sequence[str], ["a", "b"]),
        (Sequence[str | Path], (Path("a"), "b")),
        (Mapping[str, str] | None, {"a": "b"}),
        (Any, object()),
        (np.ndarray, [1]),
    ],
)
def test_a_value_of_the_type_is_taken(annotation, value):
    assert misfit(annotation, value) is None


@pytest.mark.parametrize(
    ("annotation", "value", "needed"),
    [
        (str, 3, "a text"),
        (str | None, ["a"], "a text"),
        (int, 1.5, "a whole number"),
        (int, True, "a whole number"),
        (float, "0.1", "a number"),
        (float, False, "a number"),
        (bool, 1, "true or false"),
        (Sequence[str | Path], "ab", "a list"),
        (str | Sequence[str], [1], "a text or a list"),
        (Mapping[str, str], {"a": 1}, "a table"),
        (Mapping[str, str] | None, [], "a table"),
    ],
)
def test_another_is_met_with_what_is_needed(annotation, value, needed):
    assert misfit(annotation, value) == needed
