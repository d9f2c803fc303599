import numpy as np
import pytest
import torch

import thalweg.data as data
from thalweg.errors import DataError, SettingError

ANIMALS = ["bird", "cat", "deer", "dog"]


def records(number, labels, seed):
    """Records as CIFAR's page describes them: labels, then red, green and blue by rows."""
    draw = np.random.default_rng(seed)
    pixels = draw.integers(0, 256, size=(number, 3, 32, 32), dtype=np.uint8)
    classes = draw.integers(0, 4, size=(number, labels), dtype=np.uint8)
    return np.concatenate([classes, pixels.reshape(number, -1)], axis=1), pixels, classes


@pytest.fixture
def cifar10(tmp_path):
    held = {}
    for seed, name in enumerate([*(f"data_batch_{n}" for n in range(1, 6)), "test_batch"]):
        values, *held[name] = records(8, 1, seed)
        (tmp_path / f"{name}.bin").write_bytes(values.tobytes())
    (tmp_path / "batches.meta.txt").write_text("\n".join(ANIMALS) + "\n\n")
    return tmp_path, held


@pytest.fixture
def cifar100(tmp_path):
    held = {}
    for seed, name in enumerate(["train", "test"]):
        values, *held[name] = records(24, 2, seed)
        (tmp_path / f"{name}.bin").write_bytes(values.tobytes())
    (tmp_path / "fine_label_names.txt").write_text("\n".join(ANIMALS))
    (tmp_path / "coarse_label_names.txt").write_text("\n".join(["w", "x", "y", "z"]))
    return tmp_path, held


def test_cifar_10_has_its_own_test_part(cifar10):
    folder, held = cifar10
    splits = data.load(folder)
    assert [len(splits[part]) for part in data.PARTS] == [34, 6, 8]
    pixels, classes = held["test_batch"]
    assert torch.equal(splits.test.inputs, torch.from_numpy(pixels))
    said = [splits.schema.target.classes[number] for number in splits.test.targets]
    assert said == [ANIMALS[number] for number in classes[:, 0]]
    name, row = splits.train.names[0].split()
    expected = held[name.removesuffix(".bin")][0][int(row)]
    assert torch.equal(splits.train.inputs[0], torch.from_numpy(expected))


@pytest.mark.parametrize(("labels", "column"), [("coarse", 0), ("fine", 1), (None, 1)])
def test_cifar_100_has_coarse_and_fine_labels(cifar100, labels, column):
    folder, held = cifar100
    options = {} if labels is None else {"labels": labels}
    splits = data.load(folder, **options)
    names = (folder / f"{labels or 'fine'}_label_names.txt").read_text().split()
    said = [splits.schema.target.classes[number] for number in splits.test.targets]
    assert said == [names[number] for number in held["test"][1][:, column]]
    assert torch.equal(splits.test.inputs, torch.from_numpy(held["test"][0]))


def test_without_names_the_classes_are_numbers(cifar10):
    folder, _ = cifar10
    (folder / "batches.meta.txt").unlink()
    assert data.load(folder).schema.target.classes == (0, 1, 2, 3)


def test_missing_batches_are_said(cifar10):
    folder, _ = cifar10
    (folder / "data_batch_3.bin").unlink()
    reasons = [choice.reason for choice in data.load(folder).schema.choices]
    assert "only 4 of 5 training files are there" in reasons


def test_a_file_that_is_cut_short_is_named(cifar10):
    folder, _ = cifar10
    path = folder / "data_batch_2.bin"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(DataError, match=r"data_batch_2\.bin must hold records of 3,073 bytes"):
        data.load(folder)
    path.write_bytes(b"")
    with pytest.raises(DataError, match="got 0 bytes"):
        data.load(folder)


def test_a_class_beyond_the_last_is_refused(cifar10):
    folder, _ = cifar10
    path = folder / "test_batch.bin"
    content = bytearray(path.read_bytes())
    content[0] = 77
    path.write_bytes(content)
    with pytest.raises(DataError, match="class 77, but there are only 10"):
        data.load(folder)


def test_names_that_are_too_few_are_refused(cifar10):
    folder, _ = cifar10
    (folder / "batches.meta.txt").write_text("bird\n")
    with pytest.raises(DataError, match="must name every class"):
        data.load(folder)


def test_the_version_made_of_pickles_is_refused(tmp_path):
    for name in ("data_batch_1", "batches.meta"):
        (tmp_path / name).write_bytes(b"\x80\x02}q\x01.")
    with pytest.raises(DataError, match="pickles"):
        data.load(tmp_path)


def test_labels_are_an_option_of_cifar_100_alone(cifar10):
    with pytest.raises(SettingError, match="one kind of label"):
        data.load(cifar10[0], labels="fine")


def test_a_file_called_train_bin_alone_is_not_cifar(tmp_path):
    (tmp_path / "train.bin").write_bytes(b"\0" * 3074)
    with pytest.raises(DataError, match="no pictures"):
        data.load(tmp_path)
