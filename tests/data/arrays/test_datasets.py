import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import Dataset, IterableDataset, TensorDataset

import thalweg as tw
from thalweg.errors import DataError, SettingError, ShapeError


class Pairs(Dataset):
    """Examples from a function of the index, counting how often each is read."""

    def __init__(self, item, number=30):
        self.item = item
        self.number = number
        self.reads = [0] * number

    def __len__(self):
        return self.number

    def __getitem__(self, index):
        self.reads[index] += 1
        return self.item(index)


class Stream(IterableDataset):
    def __iter__(self):
        yield torch.zeros(2), 0


def test_tensors_load_as_the_arrays_they_hold():
    draw = np.random.default_rng(0)
    values, labels = draw.normal(size=(40, 3)).astype(np.float32), draw.integers(0, 2, size=40)
    ours = tw.load(TensorDataset(torch.from_numpy(values), torch.from_numpy(labels)))
    arrays = tw.load(values, labels)
    assert ours.schema.fingerprint == arrays.schema.fingerprint
    torch.testing.assert_close(ours.train.inputs, arrays.train.inputs)
    assert not ours.schema.is_reloadable


def test_every_example_is_read_once_and_that_is_said():
    pairs = Pairs(lambda index: (torch.tensor([index, index % 7.0]), index % 2))
    data = tw.load(pairs)
    assert pairs.reads == [1] * 30
    assert any("read once" in choice.reason for choice in data.schema.choices)


def test_pillow_images_become_pictures():
    draw = np.random.default_rng(0)
    pixels = draw.integers(0, 256, size=(30, 6, 5, 3), dtype=np.uint8)
    data = tw.load(Pairs(lambda index: (Image.fromarray(pixels[index]), "ab"[index % 2])))
    assert data.schema.encoder.kind == "image"
    assert data.schema.encoder.shape == (3, 6, 5)
    row = int(data.train.names[0].removeprefix("row "))
    np.testing.assert_array_equal(data.train.inputs[0], pixels[row].transpose(2, 0, 1))


def test_targets_can_be_numbers_or_vectors():
    numbers = tw.load(Pairs(lambda index: (torch.rand(2), index / 7)))
    assert numbers.schema.target.kind == "number"
    several = tw.load(
        Pairs(lambda index: (torch.rand(2), torch.tensor([index % 2, index % 3 > 0])))
    )
    assert several.schema.target.kind == "multilabel"


@pytest.mark.parametrize(
    ("data", "error", "message"),
    [
        (Stream(), DataError, "Stream must have a length"),
        (Pairs(lambda index: torch.zeros(3)), DataError, r"pairs \(input, target\), got a Tensor"),
        (Pairs(lambda index: (1, 2, 3)), DataError, "got a tuple of 3 at index 0"),
        (Pairs(lambda index: (1, 2), number=0), DataError, "got none"),
        (
            Pairs(lambda index: (torch.zeros(index % 2 + 1), 0)),
            ShapeError,
            r"got \(1,\) at index 0 and \(2,\) at index 1",
        ),
        (
            Pairs(lambda index: (torch.zeros(2), [0] * (index + 1))),
            ShapeError,
            "the targets of Pairs",
        ),
        (Pairs(lambda index: ({"x": 1}, 0)), DataError, "must be numbers"),
    ],
)
def test_what_cannot_be_stacked_is_refused(data, error, message):
    with pytest.raises(error, match=message):
        tw.load(data)


def test_a_target_beside_it_is_refused():
    with pytest.raises(SettingError, match="brings its targets"):
        tw.load(TensorDataset(torch.zeros(3, 2), torch.zeros(3)), [0, 1, 0])


class Lies(Dataset):
    """Says that it has another length than it has, and fails at one index."""

    def __init__(self, says, has: int, fails: int = -1) -> None:
        self.says, self.has, self.fails = says, has, fails

    def __len__(self) -> int:
        return self.says

    def __getitem__(self, index: int):
        if index >= self.has:
            raise IndexError(f"there are {self.has}")
        if index == self.fails:
            raise OSError("the disk has gone")
        return torch.randn(3), index % 2


@pytest.mark.parametrize(
    ("says", "message"),
    [
        (20, r"says that it holds 20 examples, but has none at index 10 \(there are 10\)"),
        (-1, "the length of Lies must be a whole number"),
        ("x", "the length of Lies must be a whole number"),
    ],
)
@pytest.mark.usefixtures("unchecked")
def test_a_length_that_lies_is_told_with_the_index(says, message):
    with pytest.raises(DataError, match=message):
        tw.load(Lies(says, 10))


def test_an_example_that_cannot_be_read_is_named():
    said = "the example at index 7 of Lies cannot be read: OSError: the disk has gone"
    with pytest.raises(DataError, match=said):
        tw.load(Lies(10, 10, fails=7))
