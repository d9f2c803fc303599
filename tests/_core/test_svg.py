import xml.etree.ElementTree as ET

import pytest

from thalweg._core.svg import Drawing
from thalweg.errors import RunError


def test_a_drawing_is_one_file_that_needs_no_other(tmp_path):
    drawing = Drawing(100, 50, "a picture")
    drawing.box(0, 0, 10, 10, hint="a < b")
    drawing.dot(5, 5, colour="first")
    drawing.path([(0, 0), (10, 20)], curved=True, dashed=True)
    drawing.text(1, 2, "x & y", bold=True)
    path = drawing.save(tmp_path / "picture.svg")
    content = path.read_text()
    assert ET.fromstring(content).get("viewBox") == "0 0 100 50"
    assert content.count("http") == 1  # the name space alone
    assert "prefers-color-scheme:dark" in content


def test_a_folder_that_is_not_there_is_told(tmp_path):
    with pytest.raises(RunError, match="No such file or directory"):
        Drawing(1, 1, "t").save(tmp_path / "missing" / "picture.svg")
