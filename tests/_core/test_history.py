"""The history of a run, kept and written line by line."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from thalweg._core.history import History


def example() -> History:
    history = History()
    for step in range(1, 5):
        history.add_step(step, epoch=(step - 1) // 2, loss=1 / step, learning_rate=0.1)
    history.add_epoch({"epoch": 1, "step": 2, "train_loss": 0.75, "valid_loss": 0.9})
    history.add_epoch({"epoch": 2, "step": 4, "train_loss": 0.3})
    return history


def test_a_column_has_the_epochs_that_measured_it():
    history = example()
    assert history.column("train_loss") == [0.75, 0.3]
    assert history.column("valid_loss") == [0.9]
    assert history.column("valid_accuracy") == []
    assert len(history) == 2


def test_epochs_are_counted_from_one_and_written_after_their_last_step():
    rows = [json.loads(line) for line in example().lines()]
    assert [(row["epoch"], row["step"], "loss" in row) for row in rows] == [
        (1, 1, True),
        (1, 2, True),
        (1, 2, False),
        (2, 3, True),
        (2, 4, True),
        (2, 4, False),
    ]


numbers = st.floats(allow_nan=True, allow_infinity=True)


@given(st.lists(numbers, max_size=6), st.lists(numbers, max_size=3))
def test_comes_back_from_its_lines_to_the_bit(losses, validated):
    history = History()
    for step, loss in enumerate(losses, start=1):
        history.add_step(step, 0, loss, 1 / 3)
    for epoch, loss in enumerate(validated, start=1):
        history.add_epoch({"epoch": epoch, "step": epoch * 2, "valid_loss": loss})
    again = History.from_lines(history.lines())
    assert again == history
    for ours, theirs in zip(again.column("valid_loss"), validated, strict=True):
        # JSON has no number for infinity either.
        assert ours == theirs or (math.isnan(ours) and not math.isfinite(theirs))


def test_lines_are_strict_json_even_of_a_loss_that_is_no_number():
    history = History()
    history.add_step(1, 0, math.nan, 0.1)
    assert json.loads(history.lines()[0], parse_constant=pytest.fail)["loss"] is None


def test_differs_from_one_that_differs_in_the_last_bit():
    history, other = example(), example()
    assert history == other
    other.epochs[0]["train_loss"] = math.nextafter(0.75, 1)
    assert history != other
    assert history != "a history"


@pytest.mark.parametrize(
    "line",
    [
        '{"step": 1, "loss": 0.5}',
        '{"step": 1.5, "epoch": 1, "loss": 0.5}',
        '{"step": -1, "epoch": 1, "loss": 0.5}',
        '{"step": 1, "epoch": 1, "loss": "low"}',
        '{"step": 1, "epoch": null, "loss": 0.5}',
        f'{{"step": 1, "epoch": 1, "loss": {10**400}}}',
    ],
)
def test_a_line_that_is_no_row_is_named(line):
    with pytest.raises(ValueError, match="line 2 is no row of a history"):
        History.from_lines(['{"step": 1, "epoch": 1, "loss": 0.5}', line])
