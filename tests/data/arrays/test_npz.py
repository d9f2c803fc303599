import io
import pickle
import struct
import sys
import zipfile

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import thalweg.data as data
from thalweg._core import memory
from thalweg.data import ArrayEncoder, ImageEncoder
from thalweg.data.arrays._npz import read_npz
from thalweg.errors import DataError, DataNotFoundError


@pytest.fixture
def draw():
    return np.random.default_rng(0)


@pytest.mark.parametrize(
    ("inputs", "targets"),
    [("x", "y"), ("X", "Y"), ("images", "labels"), ("data", "target"), ("features", "targets")],
)
@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_inputs_and_targets_are_known_by_their_names(tmp_path, draw, inputs, targets, save):
    values = draw.normal(size=(20, 3))
    save(tmp_path / "a.npz", **{inputs: values, targets: np.arange(20) % 2, "note": np.array(1)})
    splits = data.load(tmp_path / "a.npz")
    assert isinstance(splits.schema.encoder, ArrayEncoder)
    row = int(splits.test.names[0].removeprefix("row "))
    assert splits.test.targets[0] == row % 2
    back = splits.schema.encoder.values(splits.test.inputs[0])
    np.testing.assert_allclose(list(back.values()), values[row], atol=1e-5)


@pytest.mark.parametrize("names", [("x_{}", "y_{}"), ("{}_images", "{}_labels")])
def test_parts_are_known_by_their_names(tmp_path, draw, names):
    arrays = {}
    for part, number in (("train", 20), ("val", 6), ("test", 4)):
        arrays[names[0].format(part)] = draw.integers(0, 256, (number, 8, 8), dtype=np.uint8)
        arrays[names[1].format(part)] = np.arange(number) % 2
    np.savez(tmp_path / "a.npz", **arrays)
    splits = data.load(str(tmp_path / "a.npz"))
    assert isinstance(splits.schema.encoder, ImageEncoder)
    assert [len(splits[part]) for part in data.PARTS] == [20, 6, 4]
    expected = torch.from_numpy(arrays[names[0].format("test")])
    assert torch.equal(splits.test.inputs[:, 0], expected)
    assert splits.test.targets.tolist() == [0, 1, 0, 1]


def test_a_target_can_be_named_or_passed(tmp_path, draw):
    ages = draw.normal(size=30)
    np.savez(tmp_path / "a.npz", x=draw.normal(size=(30, 3)), y=np.arange(30) % 2, age=ages)
    assert data.load(tmp_path / "a.npz").schema.target.kind == "category"
    assert data.load(tmp_path / "a.npz", target="age").schema.target.kind == "number"
    assert data.load(tmp_path / "a.npz", target=ages).schema.target.kind == "number"


def test_labels_may_be_text_or_bytes(tmp_path, draw):
    for labels in (np.array(["cat", "dög"] * 10), np.char.encode(["cat", "dög"] * 10, "utf-8")):
        np.savez(tmp_path / "a.npz", x=draw.normal(size=(20, 3)), y=labels)
        assert data.load(tmp_path / "a.npz").schema.target.classes == ("cat", "dög")


def test_names_that_say_nothing_are_listed(tmp_path):
    np.savez(tmp_path / "a.npz", np.zeros((4, 2)), np.zeros(4))
    with pytest.raises(DataError, match=r"arr_0 \(4, 2\), arr_1 \(4,\); which are inputs"):
        data.load(tmp_path / "a.npz")
    np.savez(tmp_path / "b.npz", x_train=np.zeros((4, 2)), y_test=np.zeros(4))
    with pytest.raises(DataError, match="cannot be told"):
        data.load(tmp_path / "b.npz")


class Trap:
    def __reduce__(self):
        return exec, ("raise RuntimeError('executed')",)


def test_python_objects_are_refused_and_never_executed(tmp_path):
    trap = np.empty(2, dtype=object)
    trap[:] = [Trap(), Trap()]
    np.savez(tmp_path / "a.npz", x=np.zeros((2, 2)), y=trap)
    with pytest.raises(DataError, match="array 'y' holds Python objects") as caught:
        data.load(tmp_path / "a.npz")
    assert "\n" not in str(caught.value)
    with pytest.raises(RuntimeError, match="executed"):
        pickle.loads(pickle.dumps(Trap()))  # the trap does work


def npy(shape, content):
    file = io.BytesIO()
    header = {"descr": "|u1", "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(file, header)
    return file.getvalue() + content


def test_a_header_that_promises_more_than_there_is_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("x.npy", npy((2**40,), b"abc"))
    with pytest.raises(DataError, match="array 'x' is not as long as its header promises"):
        read_npz(tmp_path / "a.npz")


def test_an_archive_that_lies_about_its_sizes_is_refused_before_memory_is_taken(tmp_path):
    path = tmp_path / "a.npz"
    content = npy((2**31,), b"abc")
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x.npy", content)
    # In the archive's directory, say that the entry unpacks to as much as the array promises.
    told = struct.pack("<I", len(content))
    promised = struct.pack("<I", len(content) - 3 + 2**31)
    raw = path.read_bytes()
    place = raw.rindex(b"PK\x01\x02") + 24
    assert raw[place : place + 4] == told
    path.write_bytes(raw[:place] + promised + raw[place + 4 :])
    with pytest.raises(DataError, match=r"promises 2\.0 GiB in"):
        read_npz(path)


def test_an_archive_larger_than_half_of_memory_is_refused(tmp_path, monkeypatch):
    np.savez_compressed(tmp_path / "a.npz", x=np.zeros((1000, 100), dtype=np.uint8))
    monkeypatch.setattr(memory, "available", lambda: 150_000)
    with pytest.raises(DataError, match=r"takes 97\.8 KiB, more than half of the 146\.5 KiB"):
        read_npz(tmp_path / "a.npz")


def test_what_is_no_archive_is_said(tmp_path):
    (tmp_path / "a.npz").write_bytes(b"no archive")
    with pytest.raises(DataError, match=r"not an \.npz file"):
        read_npz(tmp_path / "a.npz")
    with pytest.raises(DataNotFoundError, match="no file"):
        data.load(tmp_path / "none.npz")


def test_parts_of_different_shapes_are_refused(tmp_path):
    np.savez(
        tmp_path / "a.npz",
        x_train=np.zeros((4, 2)),
        y_train=np.zeros(4),
        x_test=np.zeros((4, 3)),
        y_test=np.zeros(4),
    )
    with pytest.raises(DataError, match="must have one shape"):
        data.load(tmp_path / "a.npz")


@given(st.data(), st.booleans())
def test_damage_anywhere_never_raises_anything_but_data_error(tmp_path, data, is_packed):
    path = tmp_path / "a.npz"
    save = np.savez_compressed if is_packed else np.savez
    save(path, x=np.arange(20.0).reshape(10, 2), y=np.arange(10))
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(content[: data.draw(st.integers(len(content) // 2, len(content)))])
    try:
        read_npz(path)
    except DataError as error:
        assert "\n" not in str(error)


@pytest.mark.parametrize("header", [b"{'descr': '<f8', (", b"{'descr': '''", b"-" * 5000 + b"1"])
def test_a_header_that_is_no_python_is_refused(tmp_path, header):
    content = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header
    with zipfile.ZipFile(tmp_path / "bad.npz", "w") as archive:
        archive.writestr("x.npy", content)
    with pytest.raises(DataError, match=r"cannot read .*bad\.npz"):
        read_npz(tmp_path / "bad.npz")


def test_text_of_characters_that_do_not_exist_is_refused(tmp_path):
    words = np.array(["no", "yes"])
    words.view(np.uint32)[-1] = sys.maxunicode + 1
    np.savez(tmp_path / "bad.npz", y=words)
    with pytest.raises(DataError, match="'y' holds text of characters that do not exist"):
        read_npz(tmp_path / "bad.npz")
