import numpy as np
import polars as pl
import pytest
from PIL import Image

import thalweg.data as data
from thalweg.errors import DataError, SettingError


@pytest.fixture
def table(tmp_path):
    """Twenty pictures in a folder beside a table that lists them, in no order."""
    folder = tmp_path / "set" / "pictures"
    folder.mkdir(parents=True)
    rows = np.random.default_rng(0).permutation(20)
    for row in rows:
        noise = np.random.default_rng(row).integers(0, 50, size=(8, 8))
        Image.fromarray((100 * (row % 2) + noise).astype(np.uint8)).save(folder / f"p {row}.png")
    frame = pl.DataFrame(
        {
            "file": [f"pictures/p {row}.png" for row in rows],
            "label": [("even", "odd")[row % 2] for row in rows],
            "angle": [row * 1.5 for row in rows],
            "patient": [int(row) // 2 for row in rows],
        }
    )
    frame.write_csv(tmp_path / "set" / "labels.csv")
    return tmp_path / "set" / "labels.csv"


def test_files_are_found_beside_the_table_and_keep_their_labels(table):
    splits = data.load(table, target="label", images="file")
    assert splits.schema.target.classes == ("even", "odd")
    assert splits.schema.encoder.kind == "image"
    for part in data.PARTS:
        is_odd = splits[part].inputs.float().mean(dim=(1, 2, 3)) > 75
        assert splits[part].targets.tolist() == is_odd.long().tolist()
        numbers = [int(name[len("pictures/p ") : -len(".png")]) for name in splits[part].names]
        assert [number % 2 for number in numbers] == splits[part].targets.tolist()


def test_a_number_can_be_predicted_from_pictures(table):
    splits = data.load(table, target="angle", images="file")
    assert splits.schema.target.kind == "number"
    row = int(splits.train.names[0][len("pictures/p ") : -len(".png")])
    assert splits.train.targets[0].item() == row * 1.5


def test_a_group_stays_on_one_side(table):
    splits = data.load(table, target="label", images="file", group="patient", split="group")
    patients = [
        {int(name[len("pictures/p ") : -len(".png")]) // 2 for name in splits[part].names}
        for part in data.PARTS
    ]
    assert not patients[0] & patients[1] and not patients[0] & patients[2]


def test_a_missing_file_is_left_out_and_named(table):
    (table.parent / "pictures" / "p 4.png").unlink()
    splits = data.load(table, target="label", images="file")
    assert sum(splits.schema.counts.values()) == 19
    (choice,) = [choice for choice in splits.schema.choices if choice.setting == "left out"]
    assert "pictures/p 4.png (no such file)" in choice.reason


def test_a_row_without_a_file_is_left_out(table):
    table.write_text(table.read_text() + ",even,1.0,1\n")
    splits = data.load(table, target="label", images="file")
    assert sum(splits.schema.counts.values()) == 20
    (choice,) = [choice for choice in splits.schema.choices if choice.setting == "left out"]
    assert "row 20, which is blank" in choice.reason


def test_a_frame_names_files_from_the_working_folder(table, monkeypatch):
    monkeypatch.chdir(table.parent)
    splits = data.load(pl.read_csv(table), "label", images="file", size=4)
    assert splits.schema.encoder.shape == (1, 4, 4)


def test_a_column_that_is_absent_is_named_with_the_nearest(table):
    with pytest.raises(DataError, match="Did you mean 'file'"):
        data.load(table, target="label", images="fil")
    with pytest.raises(DataError, match="Did you mean 'label'"):
        data.load(table, target="lable", images="file")


def test_without_images_the_table_stays_a_table(table):
    with pytest.raises(SettingError, match="size"):
        data.load(table, target="label", size=4)
