import inspect
import json
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch

import thalweg as tw
from thalweg.data import PARTS, Schema
from thalweg.errors import DataError, SettingError, ShapeError

DRAW = np.random.default_rng(0)
POINTS = DRAW.normal(size=(60, 3))
LABELS = np.repeat(["cat", "dog", "emu"], 20)


def table(number=60):
    draw = np.random.default_rng(1)
    return pl.DataFrame(
        {
            "width": draw.normal(size=number),
            "colour": ["red", "green", "blue"] * (number // 3),
            "patient": np.arange(number) // 4,
            "day": np.arange(number, 0, -1),
            "kind": ["a", "b"] * (number // 2),
        }
    )


def rows(examples):
    return np.array([int(name.removeprefix("row ")) for name in examples.names], dtype=int)


def test_every_example_is_in_one_part_with_its_own_target_and_name():
    data = tw.load(POINTS, LABELS)
    every = np.concatenate([rows(data[part]) for part in PARTS])
    assert sorted(every) == list(range(60))
    for part in PARTS:
        chosen = rows(data[part])
        named = [data.schema.target.classes[label] for label in data[part].targets]
        assert named == LABELS[chosen].tolist()
        mean, std = (f(POINTS[rows(data.train)], axis=0) for f in (np.mean, np.std))
        expected = (POINTS[chosen] - mean) / std
        np.testing.assert_allclose(data[part].inputs, expected, atol=1e-5)


def test_splits_come_back_unchanged():
    data = tw.load(POINTS, LABELS)
    assert tw.load(data) is data
    for changed in ({"target": "x"}, {"split": "random"}, {"kind": "number"}, {"size": 8}):
        with pytest.raises(SettingError, match="split already"):
            tw.load(data, **changed)


@pytest.mark.parametrize(
    ("source", "target", "options"),
    [
        (POINTS, LABELS, {}),
        (POINTS, POINTS[:, 0], {}),
        (DRAW.integers(0, 256, size=(60, 8, 8), dtype=np.uint8), LABELS, {}),
        (table(), "kind", {}),
        (table(), "kind", {"time": "day"}),
        ("digits", None, {}),
        ("piecewise", None, {}),
    ],
    ids=["arrays", "numbers", "images", "table", "by time", "digits", "piecewise"],
)
@pytest.mark.parametrize("empty", [("valid",), ("test",), ("valid", "test")])
def test_a_share_of_zero_gives_an_empty_part_of_the_right_shape(source, target, options, empty):
    data = tw.load(source, target, **options, **dict.fromkeys(empty, 0))
    for part in empty:
        assert len(data[part]) == len(data[part].inputs) == len(data[part].targets) == 0
        assert data[part].inputs.shape[1:] == data.train.inputs.shape[1:]
        assert data[part].targets.dtype == data.train.targets.dtype
    normalized = data.schema.encoder.normalize(data[empty[0]].inputs)
    assert normalized.shape == (0, *data.schema.encoder.shape)


def test_the_schema_survives_json():
    options = {"group": "patient", "valid": 0.2}
    schema = tw.load(table(), "kind", **options).schema
    text = json.dumps(schema.to_json())
    again = Schema.from_json(json.loads(text))
    assert json.dumps(again.to_json()) == text
    assert again.options == {**options, "target": "kind", "test": 0.15, "seed": 0}


def test_a_file_is_found_again_from_another_folder(tmp_path, monkeypatch):
    Path("here").mkdir()
    table().write_csv("here/table.csv")
    for given in ("here/table.csv", Path("here/table.csv")):
        schema = tw.load(given, "kind").schema
        assert schema.is_reloadable
        assert schema.name == "here/table.csv"
        assert Path(schema.source).is_absolute()
        elsewhere = tmp_path / "elsewhere"
        elsewhere.mkdir(exist_ok=True)
        with monkeypatch.context() as moved:
            moved.chdir(elsewhere)
            again = tw.load(schema.source, **schema.options)
        assert again.schema.fingerprint == schema.fingerprint
    assert "here/table.csv: 42 train" in repr(tw.load("here/table.csv", "kind"))


def test_arrays_never_reach_the_options():
    for target in (LABELS, LABELS.tolist(), torch.arange(60) % 2):
        schema = tw.load(POINTS, target).schema
        assert "target" not in schema.options
        assert not schema.is_reloadable
        json.dumps(schema.to_json())


def test_a_file_with_an_array_beside_it_cannot_be_loaded_again():
    table().drop("kind").write_csv("table.csv")
    schema = tw.load("table.csv", np.tile([0, 1], 30)).schema
    assert not schema.is_reloadable
    assert "target" not in schema.options
    json.dumps(schema.to_json())


def test_paths_among_the_options_become_text(tmp_path):
    from PIL import ImageFont

    path = tmp_path / "font.ttf"
    path.write_bytes(ImageFont.load_default(10).font_bytes)
    schema = tw.load("glyphs", n=60, fonts=path).schema
    assert schema.options["fonts"] == str(path)
    assert schema.is_reloadable


@pytest.mark.parametrize("series", [pd.Series, lambda v, name: pl.Series(name, v)])
def test_a_series_names_the_target(series):
    assert tw.load(POINTS, series(LABELS.tolist(), name="animal")).schema.target.names == (
        "animal",
    )
    assert tw.load(POINTS, LABELS).schema.target.names == ("target",)


def test_equal_data_have_equal_fingerprints_and_every_change_shows():
    first = tw.load(POINTS, LABELS).schema.fingerprint
    assert tw.load(POINTS.copy(), LABELS.tolist()).schema.fingerprint == first
    moved = POINTS.copy()
    moved[17, 1] = np.nextafter(moved[17, 1], 9)
    swapped = LABELS.copy()
    swapped[[0, 59]] = swapped[[59, 0]]
    renamed = np.where(LABELS == "cat", "car", LABELS)
    others = [
        tw.load(moved, LABELS),
        tw.load(POINTS, swapped),
        tw.load(POINTS, renamed),
        tw.load(POINTS, LABELS, seed=1),
        tw.load(POINTS, LABELS, valid=0.2),
        tw.load(POINTS[::-1].copy(), LABELS),
    ]
    assert len({first, *(other.schema.fingerprint for other in others)}) == 7


def test_examples_without_a_target_are_dropped_and_counted():
    labels = LABELS.astype(object)
    labels[[3, 40]] = None, ""
    data = tw.load(POINTS, labels)
    told = {choice.setting: choice for choice in data.schema.choices}
    assert told["dropped"].value == 2
    assert sum(data.schema.counts.values()) == 58
    assert not {"row 3", "row 40"} & {name for part in PARTS for name in data[part].names}
    with pytest.raises(DataError, match="missing in every example"):
        tw.load(POINTS, [None] * 60)


def test_duplicates_are_counted_and_stay_on_one_side():
    doubled = np.concatenate([POINTS, POINTS[:12]])
    data = tw.load(doubled, np.concatenate([LABELS, LABELS[:12]]))
    assert data.schema.duplicates == {"exact": 12, "near": 0}
    part_of = {row: part for part in PARTS for row in rows(data[part])}
    assert all(part_of[row] == part_of[60 + row] for row in range(12))


def test_groups_and_times_reach_the_split():
    grouped = tw.load(table(), "kind", group="patient")
    patients = [set(rows(grouped[part]) // 4) for part in PARTS]
    assert not patients[0] & patients[1] | patients[0] & patients[2] | patients[1] & patients[2]
    timed = tw.load(table(), "kind", time="day")
    # Days run backwards: the last rows are the oldest.
    assert rows(timed.train).min() > rows(timed.valid).max() > rows(timed.test).max()


@pytest.mark.parametrize("kind", [np.float64, np.uint8])
def test_arrays_may_say_which_part_each_example_is_for(kind):
    values = np.arange(60 * 16).reshape(60, 4, 4).astype(kind)  # numbers, or pictures
    parts = np.where(np.arange(60) < 10, "val", None)
    data = tw.load(values, np.arange(60) % 2, parts=parts, test=0)
    assert rows(data.valid).tolist() == list(range(10))
    assert len(data.train) == 50
    with pytest.raises(ShapeError, match="parts must have one entry per example, 60 in all"):
        tw.load(values, np.arange(60) % 2, parts=["train"])


def test_the_seed_decides_the_split_and_nothing_global_changes():
    torch.manual_seed(5)
    before = torch.get_rng_state()
    first, again, other = (tw.load(POINTS, LABELS, seed=seed) for seed in (0, 0, 1))
    assert first.train.names == again.train.names != other.train.names
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize("number", [3, 4, 5, 7, 10])
def test_tiny_data_load(number):
    data = tw.load(POINTS[:number], POINTS[:number, 0] * 2)
    assert data.schema.counts["train"] >= 2
    assert data.schema.counts["valid"] >= 1


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("x.npy", "np.savez"),
        ("sales.XLSX", "Save the sheet as CSV"),
        ("rows.json", "read it into a data frame"),
        ("photos.zip", "Unpack it first"),
        ("data.pkl", "A pickle runs what is in it"),
        ("notes", r"Files that can be: \.csv"),
    ],
)
def test_a_file_of_another_kind_is_met_with_what_to_do(tmp_path, name, advice):
    (tmp_path / name).write_bytes(b"something")
    with pytest.raises(DataError, match=rf"cannot load .*{name}'\. .*{advice}") as told:
        tw.load(tmp_path / name)
    assert "tw.load(X, y)" not in str(told.value)


def test_no_examples_are_refused():
    for empty in (np.empty((0, 3)), np.empty((0, 8, 8), dtype=np.uint8), table().head(0)):
        with pytest.raises(DataError, match=r"must hold|must have|got none"):
            tw.load(empty, "kind" if isinstance(empty, pl.DataFrame) else [])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"valid": 0.6, "test": 0.4}, "leave a share to train on"),
        ({"split": "stratify"}, "Did you mean 'stratified'"),
        ({"groups": "patient"}, "has no option 'groups'. Did you mean 'group'"),
        ({"split": "time"}, "needs time="),
    ],
)
def test_wrong_settings_are_refused_before_anything_is_fitted(options, message):
    with pytest.raises(SettingError) as error:
        tw.load(table(), "kind", **options)
    assert message in str(error.value)


def test_every_setting_is_documented():
    documented = inspect.getdoc(tw.load)
    for name in inspect.signature(tw.load).parameters:
        assert f"{name}: " in documented


def test_every_choice_has_a_reason_and_a_plain_value():
    for choice in tw.load("breast-cancer").schema.choices:
        assert choice.reason
        json.dumps(choice.value)
