import json

import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch

from thalweg.data import TableEncoder, TableInputs
from thalweg.data.tables._cells import infer, parse
from thalweg.errors import DataError, ShapeError

FRAME = pl.DataFrame(
    {
        "age": [20.0, 30.0, None, 50.0],
        "city": ["Rome", "Köln", "Rome", None],
        "vip": [True, False, True, True],
        "since": ["2024-01-01", "2024-03-31", "2023-12-01", "2024-01-02"],
        "same": [7, 7, 7, 7],
    }
)


def inputs(frame):
    readings = [infer(cells) for cells in frame]
    return TableInputs(
        pl.DataFrame([parse(c, r) for c, r in zip(frame, readings, strict=True)]), readings
    )


@pytest.fixture
def encoder():
    return TableEncoder.fit(inputs(FRAME))[0]


def test_features_are_the_columns_side_by_side(encoder):
    encoded = encoder.encode(inputs(FRAME))
    expected = np.column_stack([c.encode(inputs(FRAME).frame[c.name]) for c in encoder.kept])
    np.testing.assert_array_equal(encoded, expected)
    assert encoded.dtype == torch.float32
    assert encoded.shape == (4, *encoder.shape) == (4, len(encoder.features))
    assert encoder.normalize(encoded) is encoded


def test_fitting_says_what_was_decided():
    encoder, choices = TableEncoder.fit(inputs(FRAME))
    told = {choice.setting: choice.value for choice in choices}
    assert told["columns"] == "1 number, 1 category, 1 boolean, 1 date"
    assert told["dropped columns"] == ["same"]
    assert told["missing values"] == {"age": 1, "city": 1}
    assert told["preprocessing"] == "standardize"
    assert [row["name"] for row in encoder.describe()] == FRAME.columns


def test_the_encoder_survives_json_exactly(encoder):
    again = TableEncoder.from_json(json.loads(json.dumps(encoder.to_json())))
    assert again.columns == encoder.columns
    assert again.shape == encoder.shape
    assert torch.equal(again.encode(inputs(FRAME)), encoder.encode(inputs(FRAME)))


@pytest.mark.parametrize("kind", ["csv", "frame", "pandas", "columns", "rows", "reordered"])
def test_new_data_are_read_from_any_door_alike(encoder, kind, tmp_path):
    FRAME.write_csv(tmp_path / "new.csv")
    given = {
        "csv": tmp_path / "new.csv",
        "frame": FRAME.drop("same"),
        "pandas": pd.DataFrame(FRAME.to_dict(as_series=False)),
        "columns": FRAME.to_dict(as_series=False),
        "rows": FRAME.to_dicts(),
        "reordered": FRAME.select(reversed(FRAME.columns)),
    }[kind]
    read, names = encoder.read(given)
    assert torch.equal(encoder.encode(read), encoder.encode(inputs(FRAME)))
    assert names == ("row 0", "row 1", "row 2", "row 3")
    assert not read.repairs


def test_one_dictionary_of_cells_is_one_row(encoder):
    read, names = encoder.read({"age": 30, "city": "Köln", "vip": "no", "since": "2024-03-31"})
    assert names == ("row 0",)
    assert torch.equal(encoder.encode(read)[0], encoder.encode(inputs(FRAME))[1])


def test_an_unseen_category_is_other_and_the_repair_is_stated(encoder):
    read, _ = encoder.read(FRAME.with_columns(city=pl.lit("Oslo")))
    start = encoder.features.index("city = Rome")
    assert not encoder.encode(read)[:, start : start + 3].any()
    (repair,) = read.repairs
    assert "'Oslo'" in repair.reason
    assert "'city'" in repair.reason
    assert encoder.values(encoder.encode(read)[0])["city"] == "other"


def test_a_cell_that_was_never_missing_in_training_is_filled_and_told(encoder):
    read, _ = encoder.read(FRAME.with_columns(vip=None))
    assert "'vip' lacks 4 cells" in read.repairs[0].reason
    assert encoder.values(encoder.encode(read)[0])["vip"] == "true"  # the median


def test_missing_columns_are_named(encoder):
    with pytest.raises(DataError, match=r"'age', 'vip' are needed .* only 'city', 'since', 'same'"):
        encoder.read(FRAME.drop("age", "vip"))


def test_text_where_numbers_were_is_named(encoder):
    with pytest.raises(DataError, match=r"column 'age' must be a number .* 'old' at row 1"):
        encoder.read({**FRAME.to_dict(as_series=False), "age": [20, "old", None, "50"]})
    with pytest.raises(DataError, match=r"a table as in training.*got float"):
        encoder.read(3.0)


def test_an_example_reads_back_column_by_column(encoder):
    values = encoder.values(encoder.encode(inputs(FRAME))[2])
    assert values == {"age": "missing", "city": "Rome", "vip": "true", "since": "2023-12-01"}
    assert encoder.values(encoder.encode(inputs(FRAME))[1])["age"] == pytest.approx(30, rel=1e-6)


def test_a_table_of_constants_cannot_be_learned_from():
    with pytest.raises(DataError, match=r"no column is left .*a: constant.*b: constant"):
        TableEncoder.fit(inputs(pl.DataFrame({"a": [1, 1], "b": ["x", "x"]})))


def test_a_number_too_large_for_float32_is_refused():
    encoder, _ = TableEncoder.fit(inputs(pl.DataFrame({"a": [0.0, 1.0]})))
    with pytest.raises(DataError, match=r"'a' .*too large"):
        encoder.encode(encoder.read({"a": [1e200]})[0])


def test_equal_rows_and_only_they_have_equal_digests():
    rows = inputs(
        pl.DataFrame(
            {
                "a": [0.0, -0.0, 0.0, None, None, 0.0],
                "b": ["x", "x", "y", "x", "x", None],
                "c": [True, True, True, None, None, True],
            }
        )
    )
    digests = rows.digests()
    groups = [digests.index(digest) for digest in digests]
    assert groups == [0, 0, 2, 3, 3, 5]


def test_a_digest_does_not_depend_on_the_rows_beside_it():
    rows = inputs(FRAME)
    assert rows.select(np.array([2, 1])).digests() == [rows.digests()[2], rows.digests()[1]]


def test_rows_are_near_when_only_rounding_parts_them():
    numbers = np.random.default_rng(0).normal(size=(50, 5))
    numbers[1] = numbers[0] + 1e-5
    numbers[2:5] = numbers[0]
    frame = pl.DataFrame(numbers, schema=list("abcde")).with_columns(
        name=pl.Series(["x", "x", "y"] + ["x"] * 47),
        truth=pl.Series([True, True, True, False] + [True] * 46),
        gap=pl.Series([1.0, 1.0, 1.0, 1.0, None] + [1.0] * 45),
        empty=pl.lit(None, dtype=pl.Float64),
    )
    signatures = inputs(frame).signatures()
    assert signatures is not None
    distances = np.linalg.norm(signatures - signatures[0], axis=1)
    assert distances[1] < 1 < distances[2:].min()


def test_few_numbers_have_no_near_duplicates():
    frame = pl.DataFrame(np.random.default_rng(0).normal(size=(50, 3)), schema=list("abc"))
    assert inputs(frame).signatures() is None


def test_rows_without_names_are_read_in_the_order_of_training_and_told(encoder):
    expected = encoder.encode(inputs(FRAME))
    kept = FRAME.drop("same")
    for given in (
        FRAME.rows(),
        [list(row) for row in kept.rows()],
        np.array(kept.rows(), dtype=object),
    ):
        read, _ = encoder.read(given)
        assert torch.equal(encoder.encode(read), expected)
        assert read.repairs[0].value[:2] == ["age", "city"]
        assert "order of training" in read.repairs[0].reason
    read, names = encoder.read((30, "Köln", "no", "2024-03-31"))
    assert names == ("row 0",)
    assert torch.equal(encoder.encode(read)[0], expected[1])


def test_rows_of_another_length_are_named(encoder):
    with pytest.raises(ShapeError, match=r"must have 4 or 5 cells .*'since'\), got 2 at row 0"):
        encoder.read(torch.zeros(3, 2))
    with pytest.raises(ShapeError, match="got 3 at row 1"):
        encoder.read([[1, "Rome", True, None], [1, "Rome", True]])


def test_columns_that_training_did_not_have_are_left_out_and_told(encoder):
    read, _ = encoder.read(FRAME.with_columns(bonus=pl.lit(1), sold=pl.lit("x")))
    assert torch.equal(encoder.encode(read), encoder.encode(encoder.read(FRAME)[0]))
    (repair,) = read.repairs
    assert repair.value == ["bonus", "sold"]
    assert "'bonus', 'sold'" in repair.reason
