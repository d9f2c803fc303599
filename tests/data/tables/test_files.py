import gzip
import io
import os

import hypothesis.strategies as st
import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings

from thalweg.data.tables._files import read_table
from thalweg.errors import DataError, DataNotFoundError, SettingError


def write(folder, content, name="data.csv"):
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def columns(path, **options):
    return read_table(path, **options)[0].to_dict(as_series=False)


@pytest.mark.parametrize(
    ("name", "delimiter"), [("a.csv", ","), ("a.tsv", "\t"), ("a.txt", "\t"), ("A.CSV", ",")]
)
def test_the_name_tells_the_delimiter(tmp_path, name, delimiter):
    frame, choices = read_table(write(tmp_path, "a*b\n1*x\n".replace("*", delimiter), name))
    assert frame.to_dict(as_series=False) == {"a": ["1"], "b": ["x"]}
    assert choices == []


@pytest.mark.parametrize(("delimiter", "name"), [(";", "semicolon"), ("\t", "tab"), ("|", "bar")])
def test_another_delimiter_is_found_and_stated(tmp_path, delimiter, name):
    path = write(tmp_path, "a*b,c\n1*x\n2*y\n".replace("*", delimiter))
    frame, choices = read_table(path)
    assert frame.columns == ["a", "b,c"]
    assert [(c.setting, c.value) for c in choices] == [("delimiter", name)]


def test_a_delimiter_may_be_given_by_character_or_name(tmp_path):
    path = write(tmp_path, "a b:c d\n1:2\n")
    assert columns(path, delimiter=":") == {"a b": ["1"], "c d": ["2"]}
    assert columns(write(tmp_path, "a\tb\n1\t2\n"), delimiter="tab") == {"a": ["1"], "b": ["2"]}
    with pytest.raises(SettingError, match="one character"):
        read_table(path, delimiter="::")


def test_quotes_protect_delimiters_quotes_and_line_feeds(tmp_path):
    path = write(tmp_path, 'a,b\n"x,""y""","two\nlines"\n1,2\n')
    assert columns(path) == {"a": ['x,"y"', "1"], "b": ["two\nlines", "2"]}


def test_a_quotation_mark_inside_a_cell_is_read_as_it_stands(tmp_path):
    assert columns(write(tmp_path, 'size,n\n5" pipe,1\n')) == {"size": ['5" pipe'], "n": ["1"]}


def test_gzip_byte_order_mark_and_line_ends_make_no_difference(tmp_path):
    expected = {"a": ["1", "3"], "b": ["é", "4"]}
    text = "a,b\n1,é\n3,4\n"
    for name, content in {
        "plain.csv": text.encode(),
        "bom.csv": text.encode("utf-8-sig"),
        "windows.csv": text.replace("\n", "\r\n").encode(),
        "mac.csv": text.replace("\n", "\r").encode(),
        "packed.csv.gz": gzip.compress(text.encode()),
        "no_end.csv": text.rstrip().encode(),
        "blank_lines.csv": f"\n{text}\n\n".encode(),
    }.items():
        assert columns(write(tmp_path, content, name)) == expected, name


@pytest.mark.parametrize(
    ("encoding", "stated"), [("latin-1", "latin-1"), ("utf-16", "utf-16"), ("utf-8", None)]
)
def test_another_encoding_is_read_and_stated(tmp_path, encoding, stated):
    frame, choices = read_table(write(tmp_path, "größe,b\n1,ñ\n".encode(encoding)))
    assert frame.to_dict(as_series=False) == {"größe": ["1"], "b": ["ñ"]}
    assert [c.value for c in choices if c.setting == "encoding"] == ([stated] if stated else [])


def test_decimal_commas_become_points_where_the_delimiter_is_none(tmp_path):
    frame, choices = read_table(write(tmp_path, "a;b;c\n1,5;x,y;1\n-2;z;2\nn/a;;3\n ;;4\n"))
    assert frame["a"].to_list() == ["1.5", "-2", "n/a", " "]
    assert frame["b"].to_list() == ["x,y", "z", None, None]
    assert [c.value for c in choices if c.setting == "decimal comma"] == [["a"]]


@pytest.mark.parametrize(
    ("row", "line", "got"), [("1,2", 3, 2), ("1,2,3,4", 3, 4), ('"a\nb",2', 4, 2)]
)
def test_a_ragged_row_is_named_by_its_line(tmp_path, row, line, got):
    path = write(tmp_path, f"a,b,c\n1,2,3\n{row}\n4,5,6\n")
    with pytest.raises(DataError, match=rf"line {line}: 3 cells .* got {got}"):
        read_table(path)


def test_empty_last_cells_are_not_ragged(tmp_path):
    assert columns(write(tmp_path, "a,b\n1,\n,\n2,3\n"))["a"][0] == "1"
    assert read_table(write(tmp_path, "a,b\n1,\n,\n2,3\n"))[0].height == 3


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b" \n \n", "is empty"),
        ("\ufeff\u3000\n".encode(), "is empty"),
        (b"a,b\n", "header but no rows"),
        (b"a,b,a\n1,2,3\n", "differing column names, got 'a'"),
        (b"\x89PNG\r\n\x1a\n\0\0\0", "zero bytes"),
        (b'a,b\n1,"2\n3,4\n', "line 2: a quote is opened and not closed"),
    ],
)
def test_a_useless_file_is_one_clear_line(tmp_path, content, message):
    with pytest.raises(DataError, match=message) as caught:
        read_table(write(tmp_path, content))
    assert "\n" not in str(caught.value)


def test_a_missing_file_a_folder_and_damaged_files_are_named(tmp_path):
    with pytest.raises(DataNotFoundError, match="no file"):
        read_table(tmp_path / "absent.csv")
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(DataError, match="no file, but a folder"):
        read_table(tmp_path / "folder.csv")
    with pytest.raises(DataError, match="not a whole gzip"):
        read_table(write(tmp_path, gzip.compress(b"a,b\n1,2\n" * 99)[:-12], "cut.csv.gz"))
    with pytest.raises(DataError, match="not a whole gzip"):
        read_table(write(tmp_path, "a,b\n1,2\n", "plain.csv.gz"))
    whole = io.BytesIO()
    pl.DataFrame({"a": [1, 2]}).write_parquet(whole)
    with pytest.raises(DataError, match="not a whole Parquet"):
        read_table(write(tmp_path, whole.getvalue()[:-20], "cut.parquet"))
    with pytest.raises(DataError, match="is empty"):
        read_table(write(tmp_path, b"", "none.parquet"))


def test_a_blank_line_is_an_empty_cell_only_where_there_is_one_column(tmp_path):
    for empty in ("", '""', " "):
        cells = columns(write(tmp_path, f"a\n1\n{empty}\n3\n"))["a"]
        assert [cell.strip() for cell in cells] == ["1", "", "3"]
    assert columns(write(tmp_path, "a,b\n1,2\n\n3,4\n")) == {"a": ["1", "3"], "b": ["2", "4"]}


def test_nameless_columns_are_numbered(tmp_path):
    assert list(columns(write(tmp_path, ",a, b \n0,1,2\n"))) == ["column 0", "a", "b"]


def test_parquet_keeps_its_types(tmp_path):
    frame = pl.DataFrame({"a": [1, None], "b": ["x", "y"], "c": [True, False]})
    frame.write_parquet(tmp_path / "a.parquet")
    assert read_table(tmp_path / "a.parquet")[0].equals(frame)


CELLS = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]) | st.sampled_from(',;"\n '),
    min_size=1,
    max_size=6,
)


@settings(max_examples=60)
@given(rows=st.lists(st.tuples(CELLS, CELLS, CELLS), min_size=1, max_size=8))
def test_what_polars_writes_is_read_back(tmp_path, rows):
    frame = pl.DataFrame(rows, schema=["a", "b", "c"], orient="row")
    frame.write_csv(tmp_path / "a.csv")
    read = read_table(tmp_path / "a.csv", delimiter=",")[0]
    assert read.rows() == frame.rows()


def test_a_hundred_thousand_rows_agree_with_polars_own_types(tmp_path):
    numbers = np.random.default_rng(0).normal(size=(100_000, 4))
    frame = pl.DataFrame(numbers, schema=list("abcd"))
    frame.write_csv(tmp_path / "a.csv")
    assert read_table(tmp_path / "a.csv")[0].cast(pl.Float64).equals(frame)


def test_a_first_line_of_numbers_is_told(tmp_path):
    path = write(tmp_path, b"5.1,3.5\n4.9,3.0\n")
    assert [c.setting for c in read_table(path)[1]] == ["header"]
    with pytest.raises(DataError, match=r"'1' more than once\. If the first line is an example"):
        read_table(write(tmp_path, b"1,1\n1,2\n"))


def test_a_pipe_is_refused_and_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.csv")
    with pytest.raises(DataError, match="no file, but a folder, a pipe"):
        read_table(tmp_path / "pipe.csv")
