from thalweg._core.text_table import text_table


def test_columns_are_as_wide_as_their_widest_cell():
    table = text_table(["a", "long heading"], [["much longer", "1"]], right=" r")
    assert table.splitlines() == ["a            long heading", "much longer             1"]


def test_no_line_ends_in_spaces():
    assert all(line == line.rstrip() for line in text_table(["aaa"], [["b"], [""]]).splitlines())
