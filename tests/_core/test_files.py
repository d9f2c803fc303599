"""Files are whole or absent, and a folder has one writer."""

import errno
import json
import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from thalweg._core import files
from thalweg.errors import CheckpointError, RunError, RunLockedError


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("content", [b"\x00\xff", "größer", ""])
def test_writes_what_was_given_and_nothing_beside_it(tmp_path, content):
    files.write_atomically(tmp_path / "a.txt", content)
    expected = content.encode() if isinstance(content, str) else content
    assert (tmp_path / "a.txt").read_bytes() == expected
    assert names(tmp_path) == ["a.txt"]


def test_replaces_a_file_that_is_there(tmp_path):
    files.write_atomically(tmp_path / "a.txt", "a long old content")
    files.write_atomically(tmp_path / "a.txt", "new")
    assert (tmp_path / "a.txt").read_text() == "new"


def test_others_may_read_it_as_they_may_any_new_file(tmp_path):
    files.write_atomically(tmp_path / "ours", "x")
    (tmp_path / "plain").write_text("x")
    modes = [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("ours", "plain")]
    assert modes[0] == modes[1]


@pytest.mark.parametrize("name", ["x" * 255, "文" * 85, ".hidden"])
def test_any_name_will_do_that_the_disk_can_hold(tmp_path, name):
    files.write_atomically(tmp_path / name, "content")
    assert names(tmp_path) == [name]


@pytest.mark.parametrize("broken", ["fsync", "replace"])
@pytest.mark.parametrize("before", [None, "old"])
def test_a_failure_leaves_the_old_content_and_no_partial_file(
    tmp_path, monkeypatch, broken, before
):
    path = tmp_path / "a.txt"
    if before is not None:
        path.write_text(before)

    def fail(*arguments, **options):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, broken, fail)
    with pytest.raises(RunError, match="the disk is full") as caught:
        files.write_atomically(path, "x" * 4096)
    monkeypatch.undo()
    assert "\n" not in str(caught.value)
    assert "4.0 KiB needed" in str(caught.value)
    assert "Make room, then resume" in str(caught.value)
    assert names(tmp_path) == ([] if before is None else ["a.txt"])
    assert before is None or path.read_text() == before


def test_a_full_disk_is_told_as_one(tmp_path):
    """Writes to a real disk of 64 KiB."""
    small = tmp_path / "small"
    small.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(small)]
    try:
        mounted = subprocess.run(mount, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("there is no mount command here")
    if mounted.returncode:
        pytest.skip(f"a small disk cannot be mounted here: {mounted.stderr.strip()}")
    try:
        files.write_atomically(small / "kept.txt", "kept")
        with pytest.raises(RunError, match="the disk is full"):
            files.write_atomically(small / "kept.txt", b"x" * 100_000)
        assert (small / "kept.txt").read_text() == "kept"
        assert names(small) == ["kept.txt"]
    finally:
        subprocess.run(["umount", str(small)], check=True)


def test_a_missing_folder_is_one_line(tmp_path):
    with pytest.raises(RunError, match="No such file or directory"):
        files.write_atomically(tmp_path / "absent" / "a.txt", "x")


def test_a_file_where_a_folder_was_needed_is_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match="Not a directory"):
        files.write_atomically(tmp_path / "file" / "a.txt", "x")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_is_not_ours_is_one_line(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(RunError, match="Permission denied"):
        files.write_atomically(tmp_path / "a.txt", "x")


@pytest.mark.parametrize("code", [errno.EROFS, errno.EACCES, errno.EDQUOT, errno.EIO])
def test_each_reason_of_the_system_is_told_in_its_words(tmp_path, code):
    with (
        pytest.raises(RunError, match=os.strerror(code)),
        files.explained(tmp_path / "x"),
    ):
        raise OSError(code, "whatever")


def test_our_own_errors_pass_through_unchanged(tmp_path):
    """Some of ours are OSErrors too."""
    for error in (RunLockedError("in use"), CheckpointError("cut short")):
        with pytest.raises(type(error)) as caught, files.explained(tmp_path / "x"):
            raise error
        assert caught.value is error


def test_the_free_space_is_found_where_the_folder_does_not_exist_yet(tmp_path):
    with (
        pytest.raises(RunError, match=r"\(0 B needed, [\d.]+ [KMG]iB free\)"),
        files.explained(tmp_path / "runs" / "digits-1" / "config.toml"),
    ):
        raise OSError(errno.ENOSPC, "full")


def test_json_is_readable_and_comes_back(tmp_path):
    data = {"name": "größe", "values": [1, 0.1, None, True]}
    files.write_json(tmp_path / "a.json", data)
    text = (tmp_path / "a.json").read_text(encoding="utf-8")
    assert "größe" in text
    assert text.endswith("}\n")
    assert json.loads(text) == data


HOLDER = """
import sys, time
from pathlib import Path
from thalweg._core import files
with files.locked(Path(sys.argv[1])):
    print("locked", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def holder(tmp_path):
    """A process that holds the folder."""
    command = [sys.executable, "-c", HOLDER, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "locked\n"
        yield process
        process.kill()


def test_a_second_process_is_refused_and_told_who_holds_the_folder(tmp_path, holder):
    with pytest.raises(RunLockedError) as caught, files.locked(tmp_path):
        pytest.fail("was let in")
    assert str(caught.value) == (
        f"{tmp_path} is in use by another process (id {holder.pid}). "
        "Wait for it to end, or choose another folder with --out or out=."
    )


def test_the_lock_is_gone_with_its_process_however_it_ended(tmp_path, holder):
    os.kill(holder.pid, signal.SIGKILL)
    holder.wait()
    with files.locked(tmp_path):
        assert (tmp_path / ".lock").read_text() == str(os.getpid())


def test_a_lock_can_be_taken_again_after_it_was_given_up(tmp_path):
    for _ in range(2):
        with files.locked(tmp_path):
            pass
    with pytest.raises(ValueError, match="inside"), files.locked(tmp_path):
        raise ValueError("inside")
    with files.locked(tmp_path):
        pass


def test_an_error_inside_is_not_mistaken_for_one_of_the_lock(tmp_path):
    with pytest.raises(FileNotFoundError, match="somewhere else"), files.locked(tmp_path):
        raise FileNotFoundError(errno.ENOENT, "somewhere else")


def test_a_folder_that_is_not_there_cannot_be_locked(tmp_path):
    with pytest.raises(RunError, match="No such file"), files.locked(tmp_path / "absent"):
        pytest.fail("was let in")
