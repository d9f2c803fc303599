import csv
import datetime as dt

import hypothesis.strategies as st
import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch
from hypothesis import given, settings

import thalweg as tw
from thalweg.data.tables._tables import frame_raw
from thalweg.errors import DataError, DataNotFoundError, SettingError, ShapeError

RNG = np.random.default_rng(0)
FRAME = pl.DataFrame(
    {
        "number": np.arange(60),
        "size": RNG.normal(size=60),
        "colour": RNG.choice(["red", "green"], size=60),
        "patient": [f"patient {i // 3}" for i in range(60)],
        "day": [dt.date(2024, 1, 1) + dt.timedelta(days=i) for i in range(60)],
        "label": ["sick", "well"] * 30,
    }
)


def settings_of(choices):
    return {choice.setting: choice.value for choice in choices}


@pytest.mark.parametrize("door", ["csv", "tsv", "txt", "csv.gz", "parquet", "frame", "pandas"])
def test_every_door_gives_the_same_splits(door, tmp_path):
    expected = tw.load(FRAME, "label")
    path = tmp_path / f"data.{door}"
    match door:
        case "csv":
            FRAME.write_csv(path)
        case "csv.gz":
            pd.DataFrame(FRAME.to_dict(as_series=False)).to_csv(path, index=False)
        case "tsv" | "txt":
            FRAME.write_csv(path, separator="\t")
        case "parquet":
            FRAME.write_parquet(path)
    given = {"frame": FRAME, "pandas": pd.DataFrame(FRAME.to_dict(as_series=False))}
    splits = tw.load(given.get(door, str(path)), target="label")
    assert splits.schema.fingerprint == expected.schema.fingerprint
    assert torch.equal(splits.train.inputs, expected.train.inputs)
    assert torch.equal(splits.train.targets, expected.train.targets)
    assert splits.test.names == expected.test.names
    assert splits.schema.is_reloadable == (door not in given)
    assert splits.schema.target.classes == ("sick", "well")


def test_row_numbers_and_texts_that_name_rows_are_dropped_with_the_reason():
    frame = FRAME.with_columns(who=pl.Series([f"person {i}" for i in range(60)]))
    raw = frame_raw(frame, "label")
    reasons = {r.name: r.reason for r in raw.inputs.readings if r.kind == "text"}
    assert reasons == {
        "number": "it numbers the rows from 0",
        "who": "60 distinct texts in 60 rows, such as 'person 0'",
    }
    told = settings_of(tw.load(frame, "label").schema.choices)
    assert told["dropped columns"]


def test_a_kind_that_the_user_names_overrides_the_inferred_one():
    raw = frame_raw(FRAME, "label", columns={"number": "number", "size": "category"})
    kinds = {r.name: r.kind for r in raw.inputs.readings}
    assert kinds["number"] == "number"
    assert kinds["size"] == "category"
    with pytest.raises(SettingError, match="number, category, boolean, date, got 'int'"):
        frame_raw(FRAME, "label", columns={"size": "int"})


def test_drop_group_and_time_columns_are_no_features():
    raw = frame_raw(FRAME, "label", drop=["colour", "number"], group="patient", time="day")
    assert [r.name for r in raw.inputs.readings] == ["size"]
    assert raw.groups is not None
    assert raw.groups.tolist() == FRAME["patient"].to_list()
    assert raw.times is not None
    assert (np.diff(raw.times) == np.timedelta64(1, "D")).all()


def test_a_column_says_which_part_each_row_is_for():
    words = np.array(["Train", "validation", "test"])[np.arange(FRAME.height) % 3]
    data = tw.load(FRAME.with_columns(pl.Series("use", words)), "label", parts="use")
    beside = tw.load(FRAME, "label", parts=words)
    for number, part in enumerate(("train", "valid", "test")):
        rows = [int(name[4:]) for name in data[part].names]
        assert rows == list(range(number, FRAME.height, 3))
        assert data[part].names == beside[part].names
    assert "use" not in [column["name"] for column in data.schema.encoder.describe()]
    with pytest.raises(DataError, match="a part must be 'train', 'valid' or 'test', got 'b'"):
        tw.load(FRAME, "label", parts=["b"] * FRAME.height)


def test_targets_beside_a_frame_are_none_of_its_columns():
    """Whatever these are called: only what repeats the targets is left out, and told."""
    frame = pl.DataFrame({"target": np.arange(40.0) % 7, "other": np.arange(40.0)})
    labels = np.arange(40) % 2
    data = tw.load(frame, labels)
    assert [column["name"] for column in data.schema.encoder.describe()] == ["target", "other"]


@pytest.mark.parametrize("library", [pl.DataFrame, pd.DataFrame])
def test_a_column_handed_over_as_target_too_is_no_input(library):
    words = ["b", "a", "c"] * 20
    frame = library({"size": np.arange(60.0), "kind": words})
    data = tw.load(frame, frame["kind"])
    assert [column["name"] for column in data.schema.encoder.describe()] == ["size"]
    told = {choice.setting: choice.reason for choice in data.schema.choices}
    assert told["dropped columns"] == "the target itself, given beside"
    other = library({"kind": words[::-1]})["kind"]  # of the same name, but of other cells
    kept = tw.load(frame, other).schema.encoder.describe()
    assert [column["name"] for column in kept] == ["size", "kind"]


def test_a_split_by_group_keeps_patients_whole_and_one_by_time_is_in_order():
    parts = tw.load(FRAME, "label", group="patient")
    patients = [{int(n[4:]) // 3 for n in parts[p].names} for p in ("train", "valid", "test")]
    assert sum(map(len, patients)) == 20
    parts = tw.load(FRAME, "label", time="day", drop="patient")
    last, first = (sorted(int(n[4:]) for n in parts[p].names) for p in ("train", "test"))
    assert last[-1] < first[0]


def test_without_a_target_the_columns_are_listed_and_the_last_suggested():
    with pytest.raises(DataError, match=r"--target COLUMN or target=.*'size'.*last one is 'label'"):
        tw.load(FRAME)


@pytest.mark.parametrize("options", [{"target": "lable"}, {"group": "lable"}, {"drop": "lable"}])
def test_an_absent_column_is_met_with_the_nearest(options):
    with pytest.raises(DataError, match=r"no .*'lable'.*Did you mean 'label'"):
        tw.load(FRAME, **{"target": "label", **options})


def test_kinds_of_columns_that_are_no_table_are_refused():
    with pytest.raises(SettingError, match=r"columns of the source 'frames' must be a table, got"):
        tw.load(FRAME, "label", columns="size")


def test_a_table_of_one_long_column_is_suspected_of_another_delimiter(tmp_path):
    words = "\n".join(f"word{row} " + " ".join(["0.123"] * 200) for row in range(5))
    (tmp_path / "glove.txt").write_text(words)
    with pytest.raises(
        DataError, match=r"'word0 0\.123.*what parts them with delimiter=\.$"
    ) as told:
        tw.load(tmp_path / "glove.txt")
    assert len(str(told.value)) < 320


def test_an_unknown_option_is_refused():
    with pytest.raises(SettingError, match=r"'delimeter'.*Did you mean 'delimiter'"):
        tw.load("a.csv", "label", delimeter=";")


def test_missing_file():
    with pytest.raises(DataNotFoundError, match=r"no file absent\.csv"):
        tw.load("absent.csv", "y")


@pytest.mark.parametrize(
    ("column", "kind", "first"),
    [
        (["a", "b"] * 20, "category", "a"),
        ([True, False] * 20, "category", False),
        ([1, 2] * 20, "category", 1),
        (["1", "2"] * 20, "category", 1),
        (["+", "-"] * 20, "category", "+"),
        (np.linspace(0, 1, 40).tolist(), "number", None),
        ([["a"], ["a", "b"]] * 20, "multilabel", "a"),
        ([["a"], ["b"]] * 20, "multilabel", "a"),
    ],
)
def test_the_target_column_says_the_task(column, kind, first):
    frame = pl.DataFrame({"x": RNG.normal(size=40), "y": column})
    target = tw.load(frame, "y").schema.target
    assert target.kind == kind
    assert target.names == ("y",)
    assert not target.classes or target.classes[0] == first


def test_several_targets_are_labels_or_numbers():
    labels = pl.DataFrame({"x": RNG.normal(size=40), "a": [0, 1] * 20, "b": [True, True] * 20})
    assert tw.load(labels, ["a", "b"]).schema.target.classes == ("a", "b")
    numbers = labels.with_columns(b=RNG.normal(size=40))
    assert tw.load(numbers, ["a", "b"]).schema.target.kind == "number"
    with pytest.raises(DataError, match=r"several targets must be numbers.*'c'"):
        tw.load(labels.with_columns(c=pl.lit("text")), ["a", "c"])


def test_an_array_beside_the_frame_is_the_target_too():
    frame = FRAME.select("size", "colour")
    for target in (FRAME["label"].to_list(), FRAME["label"].to_numpy(), torch.arange(60) % 2):
        raw = frame_raw(frame, target)
        assert len(raw.inputs.readings) == 2
        assert len(raw.targets) == 60
    with pytest.raises(DataError, match="no target 'label'"):
        frame_raw(frame[:1], "label")
    with pytest.raises(ShapeError, match="60 in all"):
        frame_raw(frame, np.zeros(7))


def test_rows_without_a_target_are_left_out_and_counted():
    frame = pl.DataFrame({"x": RNG.normal(size=40), "y": [None, "", "a", "b"] * 10})
    splits = tw.load(frame, "y")
    assert sum(splits.schema.counts.values()) == 20
    assert settings_of(splits.schema.choices)["dropped"] == 20


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (pl.DataFrame({"x": [1.0, 2.0], "y": ["a", "a"]}), "only the class 'a'"),
        (pl.DataFrame({"y": ["a", "b"]}), "column besides the target"),
        (pl.DataFrame({"x": [1.0], "y": ["b"]}).clear(), "must have rows"),
        (pl.DataFrame({"x": [[1], [2]], "y": ["a", "b"]}), "no column is left.*List"),
        (pl.DataFrame({"x": [1.0, np.inf], "y": ["a", "b"]}), "'x' must be finite.* row 1"),
        (pl.DataFrame({"x": [1.0, 2.0], "y": [dt.date(2024, 1, 1)] * 2}), "holds dates"),
    ],
)
def test_a_useless_table_is_one_clear_line(frame, message):
    with pytest.raises(DataError, match=message) as caught:
        tw.load(frame, "y")
    assert "\n" not in str(caught.value)


def test_cells_read_as_missing_are_stated():
    frame = pl.DataFrame({"x": ["1", "?", "2", "N/A"] * 10, "y": ["a", "b"] * 20})
    told = settings_of(tw.load(frame, "y").schema.choices)
    assert told["missing cells"] == ["?", "N/A"]
    assert list(told["missing values"]) == ["x"]


def test_names_of_any_length_and_script_work(tmp_path):
    names = ["größe", "高さ", "x" * 5000, "a b;c"]
    frame = pl.DataFrame(RNG.normal(size=(40, 4)), schema=names).with_columns(y=RNG.normal(size=40))
    frame.write_csv(tmp_path / "a.csv")
    splits = tw.load(tmp_path / "a.csv", "y")
    assert [row["name"] for row in splits.schema.encoder.describe()] == names


def test_the_statistics_come_from_the_training_part_alone():
    splits = tw.load(FRAME, "label")
    rows = [int(name[4:]) for name in splits.train.names]
    described = {row["name"]: row for row in splits.schema.encoder.describe()}
    assert described["size"]["mean"] == pytest.approx(FRAME["size"].to_numpy()[rows].mean())
    counts = FRAME[rows]["colour"].value_counts().rows()
    assert described["colour"]["levels"] == dict(counts)


def test_a_hundred_thousand_rows_load_in_seconds(tmp_path, cpu_seconds):
    rng = np.random.default_rng(0)
    frame = pl.DataFrame(rng.normal(size=(100_000, 8)), schema=list("abcdefgh")).with_columns(
        name=rng.choice(["u", "v", "w"], size=100_000), y=rng.integers(3, size=100_000)
    )
    frame.write_csv(tmp_path / "a.csv")

    def load():
        raw = tw.data.sources["table files"].read(tmp_path / "a.csv", "y")
        raw.inputs.digests()
        encoder, _ = raw.inputs.fit()
        encoder.encode(raw.inputs)

    def read():
        with (tmp_path / "a.csv").open(newline="") as file:
            return [[float(row[name]) for name in "abcdefgh"] for row in csv.DictReader(file)]

    # About the same; a loop over rows in Python takes above twenty times as much.
    assert cpu_seconds(load) < 8 * cpu_seconds(read)


NUMBERS = st.none() | st.floats(allow_nan=False, allow_infinity=False, width=32)
NAMES = st.none() | st.sampled_from(["red", "green", 'b,l"u\ne', "ü", " padded "])
DATES = st.none() | st.dates(dt.date(1800, 1, 1), dt.date(2200, 1, 1))


@settings(max_examples=40)
@given(
    rows=st.lists(
        st.tuples(NUMBERS, NAMES, st.none() | st.booleans(), DATES), min_size=2, max_size=20
    )
)
def test_a_frame_and_its_csv_are_the_same_examples(tmp_path, rows):
    schema = {"n": pl.Float64, "s": pl.String, "b": pl.Boolean, "d": pl.Date}
    frame = pl.DataFrame(rows, schema=schema, orient="row")
    frame = frame.with_columns(y=pl.Series(["a", "b"] * len(rows))[: len(rows)])
    frame.write_csv(tmp_path / "a.csv")
    direct = frame_raw(frame, "y")
    read = tw.data.sources["table files"].read(tmp_path / "a.csv", "y")
    assert read.targets.tolist() == direct.targets.tolist()
    assert read.inputs.digests() == direct.inputs.digests()


def test_classes_keep_the_words_that_the_user_wrote():
    frame = pl.DataFrame({"x": RNG.normal(size=40), "y": ["no", "yes"] * 20})
    assert tw.load(frame, "y").schema.target.classes == ("no", "yes")


def test_a_position_is_no_name_unless_it_is_one():
    frame = pl.DataFrame({"x": RNG.normal(size=40), "y": [0, 1] * 20})
    with pytest.raises(DataError, match=r"named, not counted, got position -1; there it is 'y'"):
        tw.load(frame, -1)
    assert tw.load(frame.rename({"y": "7"}), 7).schema.target.names == ("7",)


def test_rows_as_dictionaries_are_a_table():
    rows = [{"x": float(number), "y": number % 2} for number in range(40)]
    assert (
        tw.load(rows, "y").schema.fingerprint == tw.load(pl.DataFrame(rows), "y").schema.fingerprint
    )


def test_a_table_too_wide_to_read_is_refused_at_once(monkeypatch):
    monkeypatch.setattr("thalweg.data.tables._column.MOST_COLUMNS", 3)
    with pytest.raises(DataError, match=r"may have 3 columns, got 4.* as an array"):
        tw.load({name: [1.0, 2.0] for name in "abcd"}, "a")
