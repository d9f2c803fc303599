"""Links, pipes and devices in a run's folder: nothing of the user's is written or waited for."""

import os
import shutil
from pathlib import Path

import pytest

import thalweg as tw
from thalweg._core import files
from thalweg.errors import RunError, ThalwegError

FILES = (
    *("config.toml", "schema.json", "choices.json", "status.json", "history.jsonl"),
    *("timing.json", "scores.json", "record.json", "model.safetensors"),
)


@pytest.fixture(scope="module")
def trained(three_classes, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("trained") / "run"
    run = tw.fit("mlp", three_classes, epochs=1, out=folder, progress=False)
    run.score("test")
    return folder


@pytest.fixture
def run(trained, tmp_path) -> Path:
    """A copy of a run, to be altered."""
    return shutil.copytree(trained, tmp_path / "run")


@pytest.fixture
def precious(tmp_path) -> Path:
    """A file of the user's that has nothing to do with runs."""
    path = tmp_path / "precious"
    path.write_text("years of work")
    return path


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("kind", ["pipe", "device", "loop", "folder"])
def test_what_is_no_file_is_refused_in_a_line_and_not_waited_for(run, name, kind):
    path = run / name
    path.unlink()
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    else:
        path.symlink_to("/dev/zero" if kind == "device" else name)
    with pytest.raises(ThalwegError) as error:
        tw.Run.load(run)
    assert str(error.value).isprintable()


@pytest.mark.parametrize("name", FILES)
def test_a_file_larger_than_memory_is_refused_unread(run, name):
    os.truncate(run / name, 2**42)
    with pytest.raises(ThalwegError, match=r"4096\.0 GiB") as error:
        tw.Run.load(run)
    assert str(error.value).isprintable()


def test_a_lock_that_is_a_link_is_not_written_through(run, precious):
    (run / ".lock").unlink()
    (run / ".lock").symlink_to(precious)
    told = pytest.raises(RunError, match=r"\.lock: Too many levels of symbolic links")
    with told, files.locked(run):
        pass
    assert precious.read_text() == "years of work"


def test_a_lock_that_is_a_pipe_is_not_waited_for(run):
    (run / ".lock").unlink()
    os.mkfifo(run / ".lock")
    with pytest.raises(RunError, match="must be a file, and is none"), files.locked(run):
        pass


def test_a_link_where_a_file_is_written_is_replaced_and_not_followed(run, precious):
    page, scores = run / "report.html", run / "scores.json"
    loaded = tw.Run.load(run)
    for path in (page, scores, run / f".scores.json.{os.getpid()}.partial"):
        path.unlink(missing_ok=True)
        path.symlink_to(precious)
    loaded.report()
    files.write_json(scores, {})
    assert precious.read_text() == "years of work"
    assert not page.is_symlink()
    assert not scores.is_symlink()


@pytest.mark.parametrize("name", ["\x1b[31mred", "two\nlines", "\u202egnp", "\x9b2J"])
def test_the_name_of_a_folder_cannot_steer_a_terminal_from_python_either(tmp_path, name):
    with pytest.raises(RunError) as error:
        tw.Run.load(tmp_path / name)
    assert str(error.value).isprintable()
    assert str(tmp_path) in str(error.value)
