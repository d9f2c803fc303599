import gzip

import numpy as np
import pytest

from thalweg._core import memory
from thalweg.data import ArrayInputs, ImageInputs
from thalweg.data.arrays._array_files import MOST_DEFLATED, as_inputs, check_declared, join_parts
from thalweg.errors import DataError


def test_nothing_packs_tighter_than_what_is_believed():
    zeros = 50_000_000
    packed = len(gzip.compress(bytes(zeros)))
    assert zeros / packed <= MOST_DEFLATED
    check_declared(zeros, packed, is_packed=True)
    with pytest.raises(DataError, match="cut short or damaged"):
        check_declared(2 * zeros, packed, is_packed=True)


def test_without_packing_a_file_holds_its_size():
    check_declared(100, 100, is_packed=False)
    with pytest.raises(DataError, match="promises 101 B in 100 B of file"):
        check_declared(101, 100, is_packed=False)


def test_more_than_half_of_memory_is_refused(monkeypatch):
    monkeypatch.setattr(memory, "available", lambda: 1000)
    check_declared(500, 500, is_packed=False)
    with pytest.raises(DataError, match="takes 501 B, more than half of the 1000 B"):
        check_declared(501, 501, is_packed=False)


def test_bytes_in_three_axes_are_pictures_and_other_arrays_are_numbers():
    assert isinstance(as_inputs(np.zeros((2, 4, 4), dtype=np.uint8))[0], ImageInputs)
    assert isinstance(as_inputs(np.zeros((2, 4), dtype=np.uint8))[0], ArrayInputs)
    assert isinstance(as_inputs(np.zeros((2, 4, 4)))[0], ArrayInputs)


def test_parts_stay_apart_and_in_order():
    values = np.arange(10.0).reshape(5, 2)
    found = {"train": (values[:3], np.array([0, 1, 0])), "test": (values[3:], np.array([1, 0]))}
    raw = join_parts(found, "a.npz")
    assert raw.parts is not None
    assert raw.parts.tolist() == ["train"] * 3 + ["test"] * 2
    assert raw.names == ("train 0", "train 1", "train 2", "test 0", "test 1")
    assert raw.targets.tolist() == [0, 1, 0, 1, 0]
    assert join_parts({"": found["train"]}, "a.npz").parts is None


def test_no_examples_are_refused():
    with pytest.raises(DataError, match="holds no examples"):
        join_parts({"": (np.zeros((0, 2)), np.zeros(0))}, "a.npz")
