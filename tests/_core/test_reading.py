"""Files are read whole, or refused before they are waited for or fill the memory."""

import os

import pytest

from thalweg._core import memory
from thalweg._core.reading import read


def test_a_file_and_a_link_to_one_are_read_whole(tmp_path):
    (tmp_path / "file").write_bytes(b"abc")
    (tmp_path / "link").symlink_to("file")
    assert read(tmp_path / "file") == read(tmp_path / "link") == b"abc"


def test_what_is_no_file_is_neither_waited_for_nor_read(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "endless").symlink_to("/dev/zero")
    for path in (tmp_path / "pipe", tmp_path / "endless", tmp_path):
        with pytest.raises(OSError, match="it is no file, but"):
            read(path)


def test_a_loop_of_links_and_an_absent_file_are_the_systems_own_errors(tmp_path):
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(OSError, match="symbolic links"):
        read(tmp_path / "loop")
    with pytest.raises(FileNotFoundError):
        read(tmp_path / "absent")


def test_a_file_larger_than_its_share_of_memory_is_refused_unread(tmp_path, monkeypatch):
    with (tmp_path / "huge").open("wb") as file:
        file.truncate(2**40)  # A hole: nothing is on the disk.
    with pytest.raises(OSError, match=r"it has 1024\.0 GiB, and at most"):
        read(tmp_path / "huge")
    monkeypatch.setattr(memory, "available", lambda: 100)
    (tmp_path / "file").write_bytes(bytes(11))
    assert len(read(tmp_path / "file", share=0.11)) == 11
    with pytest.raises(OSError, match="it has 11 B, and at most 10 B"):
        read(tmp_path / "file", share=0.1)
