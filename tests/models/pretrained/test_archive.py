"""What torch.save writes is read whole, or refused in a line."""

import zipfile
from pathlib import Path

import pytest
import safetensors.torch
import torch

from thalweg.errors import WeightsError
from thalweg.models.pretrained._reading import read_tensors

STATE = {"weight": torch.randn(30, 20), "bias": torch.zeros(30)}


def loads(path: Path) -> bool:
    found = read_tensors(path)
    return found.keys() == STATE.keys() and all(
        torch.equal(found[name], STATE[name]) for name in STATE
    )


def test_a_flipped_bit_is_noticed(tmp_path):
    saved = tmp_path / "weights.pth"
    torch.save(STATE, saved)
    content = bytearray(saved.read_bytes())
    content[content.index(STATE["weight"].numpy().tobytes()) + 5] ^= 1
    saved.write_bytes(content)
    with pytest.raises(WeightsError, match="is damaged: Bad CRC-32"):
        read_tensors(saved)


def test_a_file_without_checksums_loads(tmp_path):
    torch.serialization.set_crc32_options(False)
    try:
        torch.save(STATE, tmp_path / "bare.pth")
    finally:
        torch.serialization.set_crc32_options(True)
    assert loads(tmp_path / "bare.pth")


def test_what_unpacks_to_more_than_the_file_is_refused(tmp_path):
    torch.save(STATE, tmp_path / "plain.pth")
    with (
        zipfile.ZipFile(tmp_path / "plain.pth") as plain,
        zipfile.ZipFile(tmp_path / "bomb.pth", "w", zipfile.ZIP_DEFLATED) as packed,
    ):
        for entry in plain.infolist():
            packed.writestr(entry.filename, plain.read(entry))
    with pytest.raises(WeightsError, match=r"is compressed, which torch\.save never does"):
        read_tensors(tmp_path / "bomb.pth")


def test_a_newer_pickle_is_refused_with_what_to_ask_for(tmp_path):
    torch.save(STATE, tmp_path / "new.pth", pickle_protocol=5)
    with pytest.raises(WeightsError, match=r"protocol 2\. Fetch it again, or ask for"):
        read_tensors(tmp_path / "new.pth")


def test_safetensors_under_another_name_load(tmp_path):
    for name in ("weights.pth", "WEIGHTS.SAFETENSORS"):
        safetensors.torch.save_file(STATE, tmp_path / name)
        assert loads(tmp_path / name)
