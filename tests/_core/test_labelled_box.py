"""A box is as large as what is written in it, and holds all of it."""

import re

from thalweg._core.labelled_box import LabelledBox
from thalweg._core.svg import Drawing

LINES = [("Conv2d 3×3", "ink", 13.0, True), ("64×112×112", "muted", 11.0, False)]


def test_a_box_grows_with_its_lines_and_their_letters():
    box = LabelledBox(LINES, 9.0)
    assert LabelledBox(LINES[:1], 9.0).height < box.height
    assert LabelledBox([("long " * 20, "ink", 13.0, True)], 9.0).width > 4 * box.width
    assert LabelledBox([("+", "ink", 14.0, True)], 9.0).width >= 44


def test_what_is_drawn_lies_within_the_box():
    drawing = Drawing(300, 200, "a box")
    box = LabelledBox(LINES, 9.0)
    box.draw(drawing, 150, 20, fill="card", edge="rule", hint="a hint")
    text = drawing.to_text()
    assert "Conv2d 3×3" in text
    assert "64×112×112" in text
    assert "a hint" in text
    feet = [float(each) for each in re.findall(r'<text[^>]* y="([\d.]+)"', text)]
    assert len(feet) == 2
    assert all(20 < foot < 20 + box.height for foot in feet)
