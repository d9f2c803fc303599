import xml.etree.ElementTree as ET

from thalweg._core.line_chart import Panel, line_chart


def texts(drawing):
    tree = ET.fromstring(drawing.to_text())
    return [each.text for each in tree.iter() if each.tag.endswith("text")]


def test_points_lie_where_their_logarithms_say():
    curve = [(1.0, 1.0), (10.0, 10.0), (100.0, 100.0)]
    drawing = line_chart("t", "height", [Panel("x", {"a": curve})], log_x=True)
    tree = ET.fromstring(drawing.to_text())
    dots = [each for each in tree.iter() if each.get("r") == "2.5"]
    across = [float(each.get("cx")) for each in dots]
    up = [float(each.get("cy")) for each in dots]
    assert across[1] - across[0] == across[2] - across[1] > 0
    assert up[1] - up[0] == up[2] - up[1] < 0


def test_what_has_no_logarithm_is_left_out():
    drawing = line_chart("t", "height", [Panel("x", {"a": [(1.0, 0.0), (2.0, 3.0)]})])
    assert drawing.to_text().count('r="2.5"') == 1


def test_names_of_anybody_are_text_and_never_tags():
    drawing = line_chart("<script>", "a & b", [Panel("x", {"</text><b>": [(1.0, 1.0)]})])
    assert {"<script>", "a & b", "</text><b>"} <= set(texts(drawing))


def test_many_curves_are_named_on_several_lines_within_the_picture():
    curves = {f"a rather long name, number {number}": [(1.0, 1.0)] for number in range(7)}
    drawing = line_chart("t", "height", [Panel("x", curves)])
    named = [
        (float(each.get("x")), each.get("y"), len(each.text))
        for each in ET.fromstring(drawing.to_text()).iter()
        if each.tag.endswith("text") and str(each.text).startswith("a rather")
    ]
    assert len({y for _, y, _ in named}) > 1
    assert max(x + 6.6 * length for x, _, length in named) <= drawing.width
