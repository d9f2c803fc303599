"""Every kind of data keeps every promise; each check fails on data that break their own."""

import dataclasses
import struct
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch
from PIL import Image
from torch.utils.data import TensorDataset

import thalweg as tw
from thalweg.conformance.data import SPLITS
from thalweg.data import ArrayEncoder, ArrayInputs, Examples, Raw, Source, builtins, sources
from thalweg.errors import SettingError

DRAW = np.random.default_rng(0)
POINTS = DRAW.normal(size=(90, 4))
LABELS = np.arange(90) % 3
PICTURES = DRAW.integers(0, 256, size=(60, 8, 8), dtype=np.uint8)
TABLE = {
    "length": POINTS[:, 0].tolist(),
    "gaps": [None if row % 7 == 0 else float(value) for row, value in enumerate(POINTS[:, 1])],
    "colour": ["red", "green", "blue"] * 30,
    "day": [f"2024-01-{1 + row % 28:02d}" for row in range(90)],
    "price": (POINTS @ [1.0, 2.0, 0.5, 3.0]).tolist(),
}


@pytest.mark.parametrize("name", builtins.names())
def test_every_builtin_set_keeps_every_promise(name):
    options = {"n": 300} if name == "glyphs" else {}
    report = tw.check_data(name, **options)
    assert report.passed, report
    assert report["loads-again"].outcome == "passed"


def arrays(folder: Path):
    return POINTS, LABELS, {}


def arrays_of_numbers(folder: Path):
    return POINTS, POINTS[:, :2] * [1.0, 100.0], {}


def arrays_of_labels(folder: Path):
    return torch.from_numpy(POINTS), [{"a", "b"}, {"b"}, set()] * 30, {}


def grouped(folder: Path):
    return POINTS, LABELS, {"group": np.arange(90) // 5}


def image_arrays(folder: Path):
    return PICTURES, np.arange(60) % 2, {}


def frames(folder: Path):
    return pd.DataFrame(TABLE), "colour", {}


def table_files(folder: Path):
    pl.DataFrame(TABLE).write_csv(folder / "flats.csv")
    return folder / "flats.csv", "price", {"time": "day"}


def parquet(folder: Path):
    pl.DataFrame(TABLE).write_parquet(folder / "flats.parquet")
    return str(folder / "flats.parquet"), "price", {}


def npz(folder: Path):
    np.savez(folder / "points.npz", x=POINTS, y=LABELS)
    return folder / "points.npz", None, {}


def idx(folder: Path):
    for name, values in (("images-idx3", PICTURES), ("labels-idx1", LABELS[:60].astype("u1"))):
        head = bytes([0, 0, 8, values.ndim]) + struct.pack(f">{values.ndim}I", *values.shape)
        (folder / f"train-{name}-ubyte").write_bytes(head + values.tobytes())
    return folder, None, {}


def cifar(folder: Path):
    for name in (*(f"data_batch_{number}" for number in range(1, 6)), "test_batch"):
        pixels = DRAW.integers(0, 256, size=(12, 3 * 32 * 32), dtype=np.uint8)
        classes = (np.arange(12) % 2).astype(np.uint8)[:, None]
        (folder / f"{name}.bin").write_bytes(np.hstack([classes, pixels]).tobytes())
    (folder / "batches.meta.txt").write_text("cat\ndog\n")
    return folder, None, {}


def folders(folder: Path):
    for row, picture in enumerate(PICTURES):
        path = folder / ("dark" if row % 2 else "light") / f"{row}.png"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(picture).save(path)
    return folder, None, {}


def picture_tables(folder: Path):
    folders(folder)
    files = [f"{'dark' if row % 2 else 'light'}/{row}.png" for row in range(60)]
    pl.DataFrame({"file": files, "sum": PICTURES.sum(axis=(1, 2))}).write_csv(folder / "all.csv")
    return folder / "all.csv", "sum", {"images": "file"}


def dataset(folder: Path):
    return TensorDataset(torch.from_numpy(POINTS), torch.from_numpy(LABELS)), None, {}


KINDS = (
    arrays, arrays_of_numbers, arrays_of_labels, grouped, image_arrays, frames, table_files,
    parquet, npz, idx, cifar, folders, picture_tables, dataset,
)  # fmt: skip


def test_every_source_is_examined_here():
    named = {kind.__name__.replace("_", " ") for kind in KINDS} | {"builtin"}
    assert set(sources.names()) <= named


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_source_keeps_every_promise(kind, tmp_path):
    data, target, options = kind(tmp_path)
    report = tw.check_data(data, target, **options)
    assert report.passed, report
    untouched = report["source-untouched"].outcome
    assert untouched == ("not applicable" if kind is dataset else "passed")


@pytest.mark.parametrize("kind", [arrays, arrays_of_labels, image_arrays, table_files, folders])
def test_what_is_met_at_prediction_is_treated_as_the_training_data_were(kind, tmp_path):
    data, target, options = kind(tmp_path)
    assert tw.check_data(data, target, **options)["reads-alike"].outcome == "passed"


def sound() -> tw.data.Splits:
    return tw.load(POINTS, LABELS)


def changed(part: str = "train", **fields) -> tw.data.Splits:
    """Return sound data with one part changed."""
    splits = sound()
    return dataclasses.replace(splits, **{part: dataclasses.replace(splits[part], **fields)})


def described(splits: tw.data.Splits, **fields) -> tw.data.Splits:
    """Return data with another schema."""
    return dataclasses.replace(splits, schema=dataclasses.replace(splits.schema, **fields))


class InPlace(ArrayEncoder):
    def normalize(self, stored):
        return stored.sub_(1.0)


class ByTheBatch(ArrayEncoder):
    def normalize(self, stored):
        return stored - stored.mean(dim=0)


class Forgetful(ArrayEncoder):
    def normalize(self, stored):
        return -stored


def encoded_by(kind: type[ArrayEncoder]) -> tw.data.Splits:
    splits = sound()
    encoder = splits.schema.encoder
    return described(splits, encoder=kind(encoder.mean, encoder.scale, encoder.constant))


def without_a_name() -> tw.data.Splits:
    return changed(names=sound().train.names[:-1])


def numbered_from_one() -> tw.data.Splits:
    return changed("valid", targets=sound().valid.targets + 1)


def in_two_parts() -> tw.data.Splits:
    splits = sound()
    return changed("valid", names=(splits.train.names[0], *splits.valid.names[1:]))


def copied_across() -> tw.data.Splits:
    splits = sound()
    inputs = splits.test.inputs.clone()
    inputs[0] = splits.train.inputs[0]
    return changed("test", inputs=inputs)


def without_a_class() -> tw.data.Splits:
    splits, rows = sound(), sound().train.targets != 2
    names = tuple(name for name, kept in zip(splits.train.names, rows, strict=True) if kept)
    train = Examples(splits.train.inputs[rows], splits.train.targets[rows], names)
    counts = {**splits.schema.counts, "train": len(train)}
    return dataclasses.replace(described(splits, counts=counts), train=train)


def counted_on_all() -> tw.data.Splits:
    splits = sound()
    return described(splits, target=dataclasses.replace(splits.schema.target, counts=(30, 30, 30)))


def with_a_gap() -> tw.data.Splits:
    inputs = sound().valid.inputs.clone()
    inputs[3, 1] = float("nan")
    return changed("valid", inputs=inputs)


def fitted_on_all() -> tw.data.Splits:
    """As where somebody standardizes before the split."""
    splits = sound()
    encoder, _ = ArrayInputs(POINTS).fit()

    def again(part: str) -> torch.Tensor:
        rows = [int(name.removeprefix("row ")) for name in splits[part].names]
        return encoder.encode(ArrayInputs(POINTS[rows]))

    parts = {part: dataclasses.replace(splits[part], inputs=again(part)) for part in tw.data.PARTS}
    return dataclasses.replace(described(splits, encoder=encoder), **parts)


WRONG = {
    "parts": without_a_name,
    "targets": numbered_from_one,
    "parts-apart": in_two_parts,
    "no-copies-across": copied_across,
    "every-class-trains": without_a_class,
    "statistics-of-target": counted_on_all,
    "inputs": with_a_gap,
    "stored-stay": lambda: encoded_by(InPlace),
    "normalized-apart": lambda: encoded_by(ByTheBatch),
    "fitted-on-train": fitted_on_all,
    "schema-round-trip": lambda: encoded_by(Forgetful),
}
# These need a source that does wrong, or an encoder; each has a test below.
OF_SOURCES = {"source-untouched", "loads-again", "reads-alike"}


def test_there_are_wrong_data_for_every_check():
    assert set(WRONG) | OF_SOURCES == set(SPLITS.names())


def test_the_sound_ones_are():
    assert tw.check_data(sound()).passed


@pytest.mark.parametrize("name", WRONG)
def test_a_check_fails_on_data_that_break_its_promise(name):
    report = tw.check_data(WRONG[name]())
    assert report[name].outcome == "failed", report
    assert report[name].came
    assert report[name].remedy


@pytest.fixture
def registered():
    """Return a function that registers a source of `.points` files, for one test."""
    before = dict(sources._entries)

    def register(read):
        source = Source(lambda data: str(data).endswith(".points"), read)
        sources.register("points", summary=".points files")(source)

    yield register
    sources._entries.clear()
    sources._entries.update(before)


def raw(values) -> Raw:
    return Raw(ArrayInputs(values), LABELS, tuple(f"row {row}" for row in range(len(values))))


def test_a_source_that_writes_into_what_it_reads_is_seen(registered, tmp_path):
    def read(data, target):
        values = np.loadtxt(data)
        np.savetxt(data, values)  # "repaired"
        return raw(values)

    registered(read)
    np.savetxt(tmp_path / "a.points", POINTS, fmt="%.3f")
    report = tw.check_data(tmp_path / "a.points")
    assert [each.name for each in report.failures] == ["source-untouched"]


def test_a_source_that_works_on_the_array_of_the_user_is_seen(registered):
    class Points(list):
        def __str__(self):
            return ".points"

    def read(data, target):
        data[0] -= data[0].mean()
        return raw(data[0])

    registered(read)
    sources._entries = {"points": sources._entries["points"]}
    report = tw.check_data(Points([POINTS.copy() + 5]))
    assert "source-untouched" in [each.name for each in report.failures]


def test_a_source_that_draws_without_a_seed_is_seen(registered, tmp_path):
    def read(data, target):
        return raw(np.loadtxt(data) + 1e-3 * np.random.default_rng().normal(size=POINTS.shape))

    registered(read)
    np.savetxt(tmp_path / "a.points", POINTS)
    report = tw.check_data(tmp_path / "a.points")
    assert [each.name for each in report.failures] == ["loads-again"]


def test_an_encoder_that_reads_otherwise_at_prediction_is_seen(monkeypatch):
    read = ArrayEncoder.read

    def in_other_units(self, given):
        inputs, names = read(self, given)
        return ArrayInputs(1000 * inputs.values), names

    monkeypatch.setattr(ArrayEncoder, "read", in_other_units)
    report = tw.check_data(POINTS, LABELS)
    assert [each.name for each in report.failures] == ["reads-alike"]


def test_nothing_of_the_data_changes():
    splits = encoded_by(InPlace)
    before = {part: splits[part].inputs.clone() for part in tw.data.PARTS}
    tw.check_data(splits)
    assert all(torch.equal(splits[part].inputs, before[part]) for part in before)


def test_an_expected_failure_says_why():
    data = copied_across()
    with pytest.raises(SettingError, match="Did you mean 'no-copies-across'"):
        tw.check_data(data, expected_failures={"no-copies": "they are"})
    reason = "the flowers of rows 12 and 70 were measured twice, by two people"
    assert tw.check_data(data, expected_failures={"no-copies-across": reason}).passed
