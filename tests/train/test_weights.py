"""Weights are numbers in a file, and fit or are refused by name."""

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from thalweg.errors import WeightsError
from thalweg.train._weights import load_weights, to_bytes


def test_any_reader_of_safetensors_finds_the_same_tensors(tmp_path):
    model = nn.Conv2d(3, 4, 3).to(memory_format=torch.channels_last)
    path = tmp_path / "model.safetensors"
    path.write_bytes(to_bytes(model.state_dict()))
    for name, value in load_file(path).items():
        assert torch.equal(value, model.state_dict()[name]), name


def test_every_type_and_shape_is_written_as_the_library_writes_it(tmp_path):
    types = [
        *(torch.float32, torch.float64, torch.float16, torch.bfloat16, torch.bool),
        *(torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64, torch.complex64),
    ]
    tensors = {
        f"{dtype} {shape}": torch.ones(shape).to(dtype)
        for dtype in types
        for shape in ((), (0,), (3,), (2, 0, 5), (2, 3, 5))
    }
    theirs, path = tmp_path / "theirs.safetensors", tmp_path / "ours.safetensors"
    save_file(tensors, theirs)
    path.write_bytes(to_bytes(tensors))
    found = load_file(path)
    assert found.keys() == tensors.keys()
    for name, value in load_file(theirs).items():
        assert found[name].dtype == value.dtype
        assert torch.equal(found[name], value), name


def test_a_round_trip_is_exact(tmp_path):
    torch.manual_seed(0)
    model, other = nn.Linear(3, 2), nn.Linear(3, 2)
    path = tmp_path / "model.safetensors"
    path.write_bytes(to_bytes(model.state_dict()))
    load_weights(other, path)
    assert torch.equal(model.weight, other.weight)


def test_the_first_name_that_does_not_fit_is_told(tmp_path):
    path = tmp_path / "model.safetensors"
    path.write_bytes(to_bytes(nn.Linear(3, 2).state_dict()))
    with pytest.raises(WeightsError, match=r"'weight' needs shape \(2, 4\), the file has \(2, 3\)"):
        load_weights(nn.Linear(4, 2), path)
    with pytest.raises(WeightsError, match="'bias' needs shape None"):
        load_weights(nn.Linear(3, 2, bias=False), path)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"\xff" * 200, b"\x80\x04pickle"])
def test_a_file_that_is_something_else_is_refused(tmp_path, content):
    path = tmp_path / "model.safetensors"
    path.write_bytes(content)
    with pytest.raises(WeightsError, match="cannot read the weights"):
        load_weights(nn.Linear(3, 2), path)
