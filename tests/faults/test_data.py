"""Data that are odd, hostile, change or vanish; and data that we never change."""

import gzip
import io
import os
import shutil
import struct
import zlib
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch
from PIL import Image

import thalweg as tw
from thalweg.cli import main
from thalweg.data.images import _reading
from thalweg.data.images._image_files import look, quiet, read_pixels
from thalweg.errors import DataError, DataNotFoundError, RunMismatchError


def table(path: Path, rows: int = 60) -> Path:
    draw = np.random.default_rng(0)
    labels = np.arange(rows) % 2
    points = draw.normal(size=(rows, 2)).round(3) + labels[:, None]
    frame = pl.DataFrame({"a": points[:, 0], "b": points[:, 1], "label": labels})
    path.write_text(frame.write_csv())
    return path


def photos(folder: Path, each: int = 8) -> Path:
    draw = np.random.default_rng(0)
    for number, name in enumerate(("cat", "dog")):
        (folder / name).mkdir(parents=True)
        for row in range(each):
            pixels = draw.integers(0, 120, (9, 9), dtype=np.uint8) + np.uint8(number * 120)
            Image.fromarray(pixels).save(folder / name / f"{row}.png")
    return folder


def idx(folder: Path) -> Path:
    folder.mkdir()
    values = np.random.default_rng(0).integers(0, 255, (40, 6, 6), dtype=np.uint8)
    header = struct.pack(">HBBIII", 0, 8, 3, *values.shape)
    packed = gzip.compress(header + values.tobytes())
    (folder / "train-images-idx3-ubyte.gz").write_bytes(packed)
    labels = bytes(n % 2 for n in range(40))
    (folder / "train-labels-idx1-ubyte").write_bytes(struct.pack(">HBBI", 0, 8, 1, 40) + labels)
    return folder


def seen(folder: Path) -> dict[str, tuple]:
    """Everything about every file that a reader must leave as it is."""
    return {
        str(path.relative_to(folder)): (
            (about := path.lstat()).st_mode,
            about.st_mtime_ns,
            about.st_ctime_ns,
            path.read_bytes() if path.is_file() else None,
        )
        for path in (folder, *folder.rglob("*"))
    }


# What belongs to the user


@pytest.mark.parametrize("kind", [table, photos, idx])
def test_training_predicting_and_reporting_touch_no_file_of_the_users(kind, tmp_path):
    (tmp_path / "mine").mkdir()
    source = kind(tmp_path / "mine" / ("data.csv" if kind is table else "data"))
    if kind is photos:
        (source / "cat" / "broken.png").write_bytes((source / "cat" / "0.png").read_bytes()[:60])
    before = seen(tmp_path / "mine")
    target = ["--target", "label"] if kind is table else []
    assert main(["train", str(source), *target, "epochs=1", "--out", "run"]) == 0
    inputs = source / "dog" if kind is photos else source
    if kind is not idx:
        assert main(["predict", "run", str(inputs)]) == 0
    assert main(["report", "run"]) == 0
    assert main(["resume", "run"]) == 0
    assert seen(tmp_path / "mine") == before


def test_the_data_may_lie_where_nothing_may_be_written(tmp_path, read_only):
    source = photos(tmp_path / "photos")
    with read_only(source):
        run = tw.fit("convnet", source, epochs=1, out=tmp_path / "run", progress=False)
    assert run.status.state == "finished"


# Data that change


def test_an_edit_of_equal_size_and_time_is_noticed(tmp_path):
    source = table(tmp_path / "data.csv")
    before, about = tw.load(source, "label"), source.stat()
    text = source.read_text()
    source.write_text(text.replace("0.126", "0.127", 1))
    os.utime(source, ns=(about.st_atime_ns, about.st_mtime_ns))
    assert (source.stat().st_size, source.stat().st_mtime_ns) == (
        about.st_size,
        about.st_mtime_ns,
    )
    assert tw.load(source, "label").schema.fingerprint != before.schema.fingerprint


def test_a_renamed_class_and_another_picture_of_equal_size_are_noticed(tmp_path):
    source = photos(tmp_path / "photos")
    first = tw.load(source).schema
    (source / "cat").rename(source / "cow")
    renamed = tw.load(source).schema
    assert (first.target.classes, renamed.target.classes) == (("cat", "dog"), ("cow", "dog"))
    path = source / "dog" / "0.png"
    pixels = np.array(Image.open(path))
    pixels[0, 0] ^= 1
    Image.fromarray(pixels).save(path)
    assert len({first.fingerprint, renamed.fingerprint, tw.load(source).schema.fingerprint}) == 3


def test_a_copy_elsewhere_is_the_same_data(tmp_path):
    source = photos(tmp_path / "photos")
    copy = shutil.copytree(source, tmp_path / "elsewhere" / "pictures")
    assert tw.load(copy).schema.fingerprint == tw.load(source).schema.fingerprint


def test_a_file_that_vanishes_after_it_was_loaded_is_missed_by_nobody_but_resume(tmp_path):
    source = table(tmp_path / "data.csv")
    data = tw.load(source, "label")
    source.unlink()
    run = tw.fit("mlp", data, epochs=1, out=tmp_path / "run", progress=False)
    assert 0 <= run.score("test")["accuracy"] <= 1
    assert run.report().is_file()
    status = (tmp_path / "run" / "status.json").read_text()
    (tmp_path / "run" / "status.json").write_text(status.replace("finished", "interrupted"))
    with pytest.raises(DataNotFoundError, match=r"data\.csv"):
        tw.resume(tmp_path / "run", progress=False)
    table(source, rows=61)
    with pytest.raises(RunMismatchError, match="the data have changed"):
        tw.resume(tmp_path / "run", progress=False)


def test_pictures_that_vanish_or_are_cut_while_they_are_loaded_are_left_out_and_named(
    tmp_path, monkeypatch
):
    source = photos(tmp_path / "photos")

    def look_and_lose(path: Path):
        found = look(path)
        # The last moment at which somebody else can still touch the file.
        if path.name == "3.png":
            path.unlink()
        if path.name == "4.png":
            path.write_bytes(path.read_bytes()[:70])
        return found

    monkeypatch.setattr(_reading, "look", look_and_lose)
    data = tw.load(source)
    assert sum(data.schema.counts.values()) == 12
    (told,) = [c for c in data.schema.choices if c.setting == "left out"]
    assert told.value == 4
    assert "cat/3.png (no such file)" in told.reason
    assert "dog/4.png (damaged" in told.reason
    for part in ("train", "valid", "test"):
        brightness = data[part].inputs.float().mean(dim=(1, 2, 3))
        assert ((brightness > 120) == data[part].targets.bool()).all()  # Labels stay aligned.


# Odd files and names


@pytest.mark.parametrize(
    "name",
    [
        *("p.csv", "p.tsv", "p.csv.gz", "p.parquet", "p.npz", "p-images-idx3-ubyte"),
        *("data_batch_1.bin", "train-images-idx3-ubyte", "cat/p.png"),
    ],
)
@pytest.mark.parametrize("kind", ["pipe", "endless"])
def test_a_pipe_or_a_device_is_not_waited_for(tmp_path, name, kind):
    path = tmp_path / "data" / name
    path.parent.mkdir(parents=True)
    if kind == "pipe":
        os.mkfifo(path)
    else:
        path.symlink_to("/dev/zero")
    is_part = name.startswith(("data_batch", "train", "cat"))
    with pytest.raises(DataError) as error:
        tw.load(tmp_path / "data" if is_part else path, None if is_part else "label")
    assert str(error.value).isprintable()


def test_a_pipe_among_pictures_is_passed_over_and_told(tmp_path):
    source = photos(tmp_path / "photos")
    os.mkfifo(source / "cat" / "p.png")
    (told,) = [c for c in tw.load(source).schema.choices if c.setting == "ignored"]
    assert "cat/p.png" in told.reason


@pytest.mark.parametrize("kind", [table, photos])
def test_a_name_that_is_no_text_is_trained_on_and_found_again(tmp_path, kind):
    name = os.fsdecode(b"caf\xe9" + (b".csv" if kind is table else b""))
    source = kind(tmp_path / name)
    data = tw.load(source, "label" if kind is table else None)
    run = tw.fit("linear", data, epochs=1, out=tmp_path / os.fsdecode(b"r\xfcn"), progress=False)
    assert run.report().is_file()
    again = tw.Run.load(run.folder)
    assert again.schema.source == str(source.resolve())
    again.attach(tw.load(again.schema.source, **again.schema.options))


@pytest.mark.parametrize("name", ["a\0b", "a\0b.csv", "a\0b.npz", "a\0b/c.parquet"])
def test_a_zero_byte_in_a_name_is_told(name, tmp_path):
    with pytest.raises(DataNotFoundError, match="no name has a zero byte"):
        tw.load(name, "label")
    with pytest.raises(tw.errors.RunError, match="cannot write"):
        tw.fit("mlp", "iris", epochs=1, out=tmp_path / name, progress=False)


def test_names_that_differ_in_case_alone_are_different(tmp_path):
    source = photos(tmp_path / "photos")
    (source / "cat").rename(source / "Dog")
    for path in list((source / "dog").iterdir()):
        shutil.copy(path, source / "dog" / path.name.replace("png", "PNG"))
    schema = tw.load(source).schema
    assert schema.target.classes == ("Dog", "dog")
    assert sum(schema.counts.values()) == 24


def test_a_million_columns_are_refused_by_the_header(tmp_path):
    names = ",".join(f"c{number}" for number in range(10**6))
    (tmp_path / "wide.csv").write_text(f"{names}\n{'1,' * (10**6 - 1)}1\n")
    for options in ({}, {"images": "c1"}):
        with pytest.raises(DataError, match="may have 20,000 columns, got 1,000,000"):
            tw.load(tmp_path / "wide.csv", "c0", **options)


def test_formulas_in_cells_are_text(tmp_path):
    cells = ["=1+1", "@SUM(A1)", '=HYPERLINK("http://192.0.2.1")', "+cmd|' /C calc'!A0"]
    rows = [{"a": cells[n % 4], "label": ("no", "yes")[n % 2]} for n in range(40)]
    pl.DataFrame(rows).write_csv(tmp_path / "data.csv")
    (column,) = tw.load(tmp_path / "data.csv", "label").schema.encoder.describe()
    assert set(column["levels"]) == set(cells)


def test_a_last_batch_of_one_joins_the_one_before_it(tmp_path):
    points = np.random.default_rng(0).normal(size=(66, 3))
    data = tw.load(points, np.arange(66) % 2, valid=0.1, test=0.0)
    network = torch.nn.Sequential(
        torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4), torch.nn.ReLU(), torch.nn.Linear(4, 1)
    )
    run = tw.fit(
        network,
        data,
        batch_size=len(data.train) - 1,
        epochs=2,
        out=tmp_path / "run",
        progress=False,
    )
    # Alone it would have no variance, at which batch normalization refuses to train.
    assert (run.status.state, run.status.steps) == ("finished", 2)
    assert all(np.isfinite(row["loss"]) for row in run.history.steps)


# Bombs


def tiff(width: int, height: int) -> bytes:
    fields = [(256, 4, 1, width), (257, 4, 1, height), (258, 3, 1, 8), (259, 3, 1, 1)]
    fields += [(262, 3, 1, 1), (273, 4, 1, 8), (277, 3, 1, 1), (278, 4, 1, height)]
    fields += [(279, 4, 1, width * height % 2**32)]
    entries = b"".join(struct.pack("<HHII", *each) for each in fields)
    return b"II*\0" + struct.pack("<IH", 8, len(fields)) + entries + bytes(4)


HUGE = {
    "gif": b"GIF89a" + struct.pack("<HHBBB", 65_000, 65_000, 0, 0, 0) + b"\x2c" + bytes(20),
    "bmp": b"BM"
    + struct.pack("<IHHIIiiHHIIiiII", 54, 0, 0, 54, 40, 60_000, 60_000, *[1, 8] + [0] * 6),
    "tiff": tiff(60_000, 60_000),
    "webp": b"RIFF"
    + struct.pack("<I", 22)
    + b"WEBPVP8X"
    + struct.pack("<II", 10, 0)
    + (16_000).to_bytes(3, "little")
    + (16_000).to_bytes(3, "little"),
}


@pytest.mark.parametrize("kind", HUGE)
def test_a_picture_of_thousands_of_millions_of_pixels_is_refused(tmp_path, kind):
    path = tmp_path / f"bomb.{kind}"
    path.write_bytes(HUGE[kind])
    for read in (look, lambda path: read_pixels(path, (8, 8), 3)):
        with quiet(), pytest.raises(DataError, match=r"pixels|damaged|not one of"):
            read(path)


@pytest.mark.parametrize("kind", [b"zTXt", b"iTXt", b"iCCP"])
def test_text_that_is_packed_into_a_picture_is_unpacked_no_further_than_a_mebibyte(tmp_path, kind):
    def chunk(kind: bytes, data: bytes) -> bytes:
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    zeros = zlib.compress(bytes(2**26), 9)
    data = {b"zTXt": b"k\0\0", b"iTXt": b"k\0\1\0\0\0", b"iCCP": b"k\0\0"}[kind] + zeros
    plain = io.BytesIO()
    Image.new("L", (4, 4)).save(plain, "PNG")
    content = plain.getvalue()
    (tmp_path / "bomb.png").write_bytes(content[:33] + chunk(kind, data) + content[33:])
    with quiet():
        try:
            pixels, _ = read_pixels(tmp_path / "bomb.png", (4, 4), 1)
        except DataError as error:
            assert "too large" in str(error).lower()
        else:
            assert kind == b"iCCP" and not pixels.any()  # A profile is passed over, packed.
