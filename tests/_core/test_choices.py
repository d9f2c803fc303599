"""Choices survive the trip through a file."""

import json

import pytest

from thalweg._core.choices import Choice


@pytest.mark.parametrize("value", [32, 0.1, "cosine", True, None, [1, 2]])
def test_comes_back_from_json_as_it_was(value):
    choice = Choice("batch_size", value, "1,257 Beispiele für den Anfang")
    assert Choice.from_json(json.loads(json.dumps(choice.to_json()))) == choice


def test_cannot_be_changed():
    with pytest.raises(AttributeError):
        Choice("seed", 0, "the default").value = 1  # type: ignore[misc]
