import datetime as dt

import hypothesis.strategies as st
import polars as pl
import pytest
from hypothesis import given, settings

from thalweg.data.tables._cells import Reading, infer, names_rows, parse, tokens
from thalweg.errors import DataError

DAYS = [dt.datetime(2024, 3, 31), dt.datetime(2023, 12, 1)]


def column(cells, name="x", **options):
    return pl.Series(name, cells, **options)


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        (["1", "2.5", "-3e4", " 7 ", ".5", "+1"], "number"),
        (["1", "", "?", "n/a", "-", "NaN"], "number"),
        (["", None], "number"),
        (["yes", "No", "YES"], "boolean"),
        (["True", "false", "N/A"], "boolean"),
        (["yes", "false"], "category"),
        (["red", "green", "1"], "category"),
        (["007", "123", "042"], "category"),
        (["0", "0.5", "10"], "number"),
        (["2024-03-31", "", "2023-12-01"], "date"),
        (["31.03.2024", "01.12.2023"], "date"),
        (["31.03.2024", "today"], "category"),
        ([1, 2, None], "number"),
        ([True, None], "boolean"),
        (DAYS, "date"),
        ([dt.timedelta(days=1)], "number"),
        ([["a"], ["b"]], "text"),
    ],
)
def test_a_column_is_what_all_its_cells_are(cells, kind):
    assert infer(column(cells)).kind == kind


def test_categorical_columns_are_categories_whatever_their_levels():
    assert infer(column(["1", "2"], dtype=pl.Categorical)).kind == "category"
    assert infer(column(["1", "2"], dtype=pl.Enum(["1", "2"]))).kind == "category"


@pytest.mark.parametrize(
    "written",
    ["%Y-%m-%d", "%Y/%m/%d", "%d.%m.%Y", "%m/%d/%Y", "%d/%m/%Y", "%Y-%m-%dT%H:%M:%SZ"],
)
def test_dates_are_read_as_python_writes_them(written):
    cells = column([day.strftime(written) for day in DAYS])
    reading = infer(cells)
    assert parse(cells, reading).to_list() == DAYS
    # What was learned also reads the ISO dates that a data base gives later.
    assert parse(column([str(DAYS[0].date()), str(DAYS[1])]), reading).to_list() == DAYS


def test_dates_with_a_zone_become_universal_time():
    noon = column([dt.datetime(2024, 7, 1, 12)]).dt.replace_time_zone("Europe/Berlin")
    assert parse(noon, infer(noon)).to_list() == [dt.datetime(2024, 7, 1, 10)]


def test_a_few_slips_among_numbers_are_named_and_many_make_a_category():
    with pytest.raises(DataError, match=r"column 'x' must be a number .* got 'oops' at row 7"):
        infer(column([str(i) for i in range(7)] + ["oops"] + ["8"] * 40))
    assert infer(column(["1"] * 18 + ["a", "b"])).kind == "category"


@pytest.mark.parametrize(
    ("kind", "cells", "message"),
    [
        ("number", ["1", "two"], "must be a number in every row, got 'two' at row 1"),
        ("number", [dt.date(2024, 1, 1)], "must be a number"),
        ("number", [1.0, float("inf")], "must be finite in every row, got inf at row 1"),
        ("number", ["-inf", "1"], "must be finite in every row, got '-inf' at row 0"),
        ("boolean", [0, 1, 2], "must be true or false in every row, got 2 at row 2"),
        ("date", ["2024-02-30"], "must be a date .* got '2024-02-30' at row 0"),
        ("date", [3.5], "must be a date"),
    ],
)
def test_a_cell_that_does_not_read_is_named(kind, cells, message):
    with pytest.raises(DataError, match=message) as caught:
        parse(column(cells), Reading("x", kind))
    assert "\n" not in str(caught.value)


def test_hostile_names_and_cells_stay_on_one_short_line():
    name, cell = "é\x1b[31m\n" * 200, "\u202e\nboo" * 200
    with pytest.raises(DataError) as caught:
        parse(column([cell], name), Reading(name, "number"))
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 500


def test_names_keep_levels_that_only_look_missing():
    cells = column(["-", "+", "NA", "none", "", "?", None])
    assert infer(cells).kind == "category"
    assert parse(cells, infer(cells)).to_list() == ["-", "+", "NA", "none", None, None, None]


def test_a_category_of_numbers_has_one_name_per_number():
    reading = Reading("x", "category")
    as_text, as_whole, as_float = (column(c) for c in (["1", "2"], [1, 2], [1.0, 2.0]))
    assert parse(as_whole, reading).to_list() == ["1", "2"]
    assert parse(as_float, reading).equals(parse(as_text, reading))


def test_texts_read_as_missing_are_told():
    cells = column(["1", "?", "", " n/a ", None])
    assert list(tokens(cells, parse(cells, infer(cells)))) == ["?", "n/a"]


@pytest.mark.parametrize(
    ("name", "cells", "is_first", "identifies"),
    [
        ("row", [0.0, 1.0, 2.0, 3.0], True, True),
        ("row", [1.0, 2.0, 3.0, 4.0], True, True),
        ("row", [1.0, 2.0, 3.0, 4.0], False, False),
        ("year", [2001.0, 2002.0, 2003.0], True, False),
        ("customer_id", [17.0, 4.0, 99.0], False, True),
        ("PassengerId", [17.0, 4.0, 99.0], False, True),
        ("customer_id", [17.0, 4.0, 17.0, 4.0], False, False),
        ("humid", [17.0, 4.0, 99.0], False, False),
        ("id", [0.5, 0.25, 0.75], False, False),
        ("name", [f"person {i}" for i in range(20)], False, True),
        ("city", [f"city {i % 5}" for i in range(20)], False, False),
        ("colour", ["red", "green", "blue"], False, False),
    ],
)
def test_columns_that_only_name_the_row_are_known(name, cells, is_first, identifies):
    assert (names_rows(column(cells, name), is_first=is_first) is not None) == identifies


@settings(max_examples=100)
@given(
    st.lists(
        st.none() | st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**53), 2**53),
        min_size=1,
        max_size=20,
    )
)
def test_numbers_written_as_text_are_read_back_exactly(numbers):
    cells = column(["" if n is None else repr(n) for n in numbers])
    expected = [None if n is None else float(n) for n in numbers]
    assert parse(cells, infer(cells)).to_list() == expected


@settings(max_examples=100)
@given(st.lists(st.none() | st.text(max_size=4), min_size=1, max_size=30))
def test_any_text_is_read_or_refused_in_one_line(texts):
    cells = column(texts, dtype=pl.String)
    try:
        parsed = parse(cells, infer(cells))
    except DataError as error:
        assert "\n" not in str(error)
    else:
        assert len(parsed) == len(texts)


def test_nested_cells_are_no_single_value():
    with pytest.raises(DataError, match=r"'x' cannot be read as number: its cells are List"):
        parse(column([[1], [2]]), Reading("x", "number"))


def test_picture_files_are_said_to_be_some():
    files = column([f"{number}.JPG" for number in range(20)], name="file")
    assert names_rows(files) == "it names picture files, which images='file' reads"


@pytest.mark.parametrize("kind", ["number", "category", "date"])
@pytest.mark.parametrize(
    ("dtype", "value"),
    [
        *((pl.Date, 2**31 - 1), (pl.Date, -(2**31)), (pl.Date, 2_932_897), (pl.Date, -719_163)),
        *((pl.Datetime("ms"), 2**62), (pl.Datetime("us"), -(2**62))),
    ],
)
def test_a_date_of_no_year_that_there_is_is_named_by_its_row(kind, dtype, value):
    whole = pl.Int32 if dtype == pl.Date else pl.Int64
    cells = pl.Series("day", [0, None, value], dtype=whole).cast(dtype)
    with pytest.raises(DataError, match=r"'day' must hold dates of the years 1 to 9999, .* row 2"):
        parse(cells, Reading("day", kind))


def test_the_first_and_the_last_day_are_dates():
    cells = pl.Series("day", [-719_162, 2_932_896], dtype=pl.Int32).cast(pl.Date)
    first, last = parse(cells, Reading("day", "date"))
    assert (first, last) == (dt.datetime(1, 1, 1), dt.datetime(9999, 12, 31))
