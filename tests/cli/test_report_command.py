import shutil
from pathlib import Path

import pytest

import thalweg as tw


@pytest.fixture
def copy(trained, tmp_path):
    return shutil.copytree(trained, tmp_path / "copy")


def test_the_page_is_written_into_the_run_and_its_path_printed(call, copy):
    shown = call("report", copy)
    assert (shown.code, shown.err) == (0, "")
    assert shown.out == f"{copy}/report.html\n"
    assert (copy / "report.html").stat().st_size > 1000


def test_the_page_may_be_written_elsewhere(call, copy, tmp_path):
    assert call("report", copy, "--out", "page.html").out == "page.html\n"
    assert (tmp_path / "page.html").exists()
    assert not (copy / "report.html").exists()


def test_a_file_of_another_kind_is_not_written_over(call, copy):
    Path("sales.csv").write_text("a,b\n1,2\n")
    for command in (("report", copy, "--out"), ("anatomy", "lenet", "--picture")):
        refused = call(*command, "sales.csv")
        assert (refused.code, refused.out) == (1, "")
        assert refused.err == (
            "error: sales.csv is a file of another kind, which stays. Choose another name.\n"
        )
    assert Path("sales.csv").read_text() == "a,b\n1,2\n"
    Path("new.html").touch()
    for _ in range(2):  # An empty file, and a page of the past.
        assert call("report", copy, "--out", "new.html").code == 0
        assert call("anatomy", "lenet", "--picture", "new.svg").code == 0


def test_a_folder_takes_the_page_under_its_usual_name(call, copy, tmp_path):
    (tmp_path / "pages").mkdir()
    assert call("report", copy, "--out", "pages").out == "pages/report.html\n"
    assert (tmp_path / "pages" / "report.html").exists()


def test_data_that_have_changed_are_told_and_the_page_is_still_written(call, tmp_path):
    lines = [f"{number},{number % 7},{number % 2}" for number in range(60)]
    (tmp_path / "own.csv").write_text("\n".join(["a,b,c", *lines]) + "\n")
    words = ["train", "own.csv", "--target", "c", "epochs=1", "--quiet", "--no-report"]
    assert call(*words, "--out", "x").code == 0
    (tmp_path / "own.csv").write_text("\n".join(["a,b,c", *lines[:50]]) + "\n")
    shown = call("report", "x")
    assert shown.code == 0
    assert "The data are not at hand" in shown.err
    assert shown.err.count("\n") == 1
    assert (tmp_path / "x" / "report.html").exists()


def test_data_from_python_are_told(call, three_classes, tmp_path):
    tw.fit("mlp", three_classes, epochs=1, out="x", progress=False)
    shown = call("report", "x")
    assert shown.code == 0
    assert "handed over in Python" in shown.err
