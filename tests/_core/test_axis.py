import pytest
from hypothesis import given
from hypothesis import strategies as st

from thalweg._core.axis import MOST_MARKS, Axis


@given(st.lists(st.floats(1e-12, 1e12), min_size=1), st.booleans())
def test_every_value_lies_between_the_ends_and_marks_are_few(values, log):
    axis = Axis(values, 100.0, 20.0, log=log)
    assert all(20.0 - 1e-6 <= axis(value) <= 100.0 + 1e-6 for value in values)
    marks = axis.marks()
    assert len(marks) <= MOST_MARKS
    assert all(20.0 - 1e-3 <= axis(mark) <= 100.0 + 1e-3 for mark in marks)


def test_marks_are_round_numbers():
    assert Axis([0.0, 50.0], 0.0, 1.0, log=False).marks() == [0.0, 10.0, 20.0, 30.0, 40.0, 50.0]
    assert Axis([2.0, 3000.0], 0.0, 1.0, log=True).marks() == [10.0, 100.0, 1000.0]
    assert Axis([2.0, 30.0], 0.0, 1.0, log=True).marks() == [2.0, 5.0, 10.0, 20.0]


def test_a_single_value_stands_in_the_middle():
    assert Axis([5.0], 0.0, 10.0, log=True)(5.0) == pytest.approx(5.0)
