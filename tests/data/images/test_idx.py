import gzip
import io
import struct

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import thalweg.data as data
from thalweg.data import ArrayEncoder
from thalweg.data.images._idx import parse_idx, read_idx
from thalweg.errors import DataError, DataNotFoundError

CODES = {"u1": 0x08, "i1": 0x09, "i2": 0x0B, "i4": 0x0C, "f4": 0x0D, "f8": 0x0E}


def idx(values):
    """The format as Yann LeCun's page gives it."""
    kind = values.dtype.str[1:]
    header = bytes([0, 0, CODES[kind], values.ndim]) + struct.pack(
        f">{values.ndim}I", *values.shape
    )
    return header + values.astype(f">{kind}").tobytes()


def parse(content):
    return parse_idx(io.BytesIO(content), len(content))


@pytest.fixture
def mnist(tmp_path):
    """A folder as MNIST is published, with random pictures."""
    draw = np.random.default_rng(0)
    folder = tmp_path / "mnist"
    folder.mkdir()
    arrays = {}
    for part, number in (("train", 40), ("t10k", 10)):
        images = draw.integers(0, 256, size=(number, 7, 5), dtype=np.uint8)
        labels = (np.arange(number) % 3).astype(np.uint8)
        arrays[part] = images, labels
        for name, values in ((f"{part}-images-idx3", images), (f"{part}-labels-idx1", labels)):
            (folder / f"{name}-ubyte.gz").write_bytes(gzip.compress(idx(values)))
    return folder, arrays


@given(
    hnp.arrays(
        dtype=st.sampled_from([np.dtype(kind) for kind in CODES]),
        shape=hnp.array_shapes(min_dims=1, max_dims=4, min_side=0, max_side=5),
    )
)
def test_what_was_written_is_read_again(values):
    again = parse(idx(values))
    assert again.dtype == values.dtype
    np.testing.assert_array_equal(again, values)


@given(st.binary(max_size=200), st.booleans())
def test_random_bytes_never_raise_anything_but_data_error(content, starts_well):
    if starts_well:
        content = b"\0\0\x08\x02" + content
    try:
        values = parse(content)
    except DataError as error:
        assert "\n" not in str(error)
    else:
        assert idx(values) == content


@given(st.binary(max_size=120), st.integers(0, 119), st.integers(0, 255))
def test_a_damaged_packed_file_never_raises_anything_but_data_error(
    tmp_path_factory, content, place, byte
):
    packed = bytearray(gzip.compress(idx(np.frombuffer(content, dtype=np.uint8))))
    packed[2 + place % (len(packed) - 2)] = byte
    path = tmp_path_factory.mktemp("idx") / "a-idx1-ubyte.gz"
    path.write_bytes(packed)
    try:
        read_idx(path)
    except DataError as error:
        assert "\n" not in str(error)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "ends within the first four bytes"),
        (b"\x89PNG\r\n", "begins with 89 50 4e 47"),
        (b"\0\0\x07\x01\0\0\0\0", "begins with 00 00 07 01"),
        (b"\0\0\x08\0", "begins with 00 00 08 00"),
        (b"\0\0\x08\x03\0\0", "ends within the header"),
        (b"\0\0\x08\x01\0\0\0\x05abcd", "promises 5 bytes, it holds only 4"),
        (b"\0\0\x08\x01\0\0\0\x03abcd", "promises 3 bytes, it holds more"),
        (b"\0\0\x08\x04" + b"\xff" * 16, "promises .* in 20 B of file"),
    ],
)
def test_what_is_wrong_with_a_file_is_said(tmp_path, content, said):
    path = tmp_path / "a-idx3-ubyte"
    path.write_bytes(content)
    with pytest.raises(DataError, match=said) as caught:
        read_idx(path)
    assert str(path) in str(caught.value)


def test_a_packed_file_cut_short_is_refused(tmp_path):
    path = tmp_path / "a-idx1-ubyte.gz"
    packed = gzip.compress(idx(np.random.default_rng(0).integers(0, 256, 1000).astype(np.uint8)))
    path.write_bytes(packed[:500])
    with pytest.raises(DataError, match="cannot read"):
        read_idx(path)


def test_a_promise_that_no_packing_can_keep_is_refused_before_memory_is_taken(tmp_path):
    path = tmp_path / "bomb-idx1-ubyte.gz"
    path.write_bytes(gzip.compress(b"\0\0\x08\x01" + struct.pack(">I", 2**32 - 1)))
    with pytest.raises(DataError, match=r"promises 4\.0 GiB in \d+ B of file"):
        read_idx(path)


def test_a_folder_as_mnist_is_published(mnist):
    folder, arrays = mnist
    splits = data.load(folder)
    assert [len(splits[part]) for part in data.PARTS] == [34, 6, 10]
    assert splits.schema.encoder.shape == (1, 7, 5)
    images, labels = arrays["t10k"]
    assert torch.equal(splits.test.inputs[:, 0], torch.from_numpy(images))
    assert splits.test.targets.tolist() == labels.tolist()
    assert splits.test.names[3] == "test 3"
    row = int(splits.train.names[0].removeprefix("train "))
    assert torch.equal(splits.train.inputs[0, 0], torch.from_numpy(arrays["train"][0][row]))
    assert splits.train.targets[0] == arrays["train"][1][row]


def test_unpacked_files_with_either_spelling(mnist):
    folder, _ = mnist
    expected = data.load(folder).schema.fingerprint
    for path in list(folder.iterdir()):
        unpacked = path.name.removesuffix(".gz").replace("-idx", ".idx")
        (folder / unpacked).write_bytes(gzip.decompress(path.read_bytes()))
        path.unlink()
    assert data.load(folder).schema.fingerprint == expected


def test_packed_and_unpacked_together_count_once(mnist):
    folder, _ = mnist
    for path in list(folder.iterdir()):
        path.with_suffix("").write_bytes(gzip.decompress(path.read_bytes()))
    assert sum(data.load(folder).schema.counts.values()) == 50


@pytest.mark.parametrize("target", [None, "train-labels-idx1-ubyte.gz"])
def test_one_file_with_its_labels_beside_it(mnist, target):
    folder, arrays = mnist
    splits = data.load(folder / "train-images-idx3-ubyte.gz", target=target)
    assert sum(splits.schema.counts.values()) == 40
    row = int(splits.test.names[0].removeprefix("row "))
    assert torch.equal(splits.test.inputs[0, 0], torch.from_numpy(arrays["train"][0][row]))


def test_missing_labels_are_named(mnist):
    folder, _ = mnist
    (folder / "t10k-labels-idx1-ubyte.gz").unlink()
    with pytest.raises(DataNotFoundError, match="t10k-labels-idx1-ubyte"):
        data.load(folder)


def test_labels_of_another_length_are_refused(mnist):
    folder, _ = mnist
    (folder / "t10k-labels-idx1-ubyte.gz").write_bytes(idx(np.zeros(9, dtype=np.uint8)))
    said = "t10k-images-idx3-ubyte.gz holds 10 examples and its file of targets 9"
    with pytest.raises(ValueError, match=said):
        data.load(folder)


def test_numbers_in_two_axes_are_arrays(tmp_path):
    draw = np.random.default_rng(0)
    (tmp_path / "x-images.idx2-float").write_bytes(idx(draw.normal(size=(20, 4)).astype("f4")))
    splits = data.load(tmp_path / "x-images.idx2-float", target=np.arange(20) % 2)
    assert isinstance(splits.schema.encoder, ArrayEncoder)
