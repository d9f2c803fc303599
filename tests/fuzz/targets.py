"""One target per parser: how an input reaches it as files of users do.

A target takes the bytes of an input and an empty folder to write them to. Where a checksum would
keep changed bytes from the parser behind it, the target makes the checksum anew, as somebody with
ill intent would.
"""

import io
import json
import shutil
import struct
import zipfile
import zlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import guard
import numpy as np
import polars as pl
import torch
from guard import tried
from PIL import Image

import thalweg as tw
from thalweg import _api
from thalweg._core.seals import sealed
from thalweg.cli._values import parse_settings
from thalweg.data.images._idx import read_idx
from thalweg.data.images._image_files import look, quiet, read_pixels
from thalweg.data.tables._cells import COLUMN_KINDS, Reading, infer, names_rows, parse, tokens
from thalweg.data.tables._files import read_table
from thalweg.data.tables._frames import as_frame
from thalweg.data.tables._recognize import is_frame
from thalweg.errors import ThalwegError
from thalweg.models import Recipe
from thalweg.models.pretrained._reading import read_tensors
from thalweg.train import Config, _checkpoint, make_optimizer, read_toml
from thalweg.train._state import State

Target = Callable[[bytes, Path], None]

CORPUS = Path(__file__).with_name("corpus")
RUN = CORPUS / "run"
"""A run, each of whose files is the seed of a target of its own."""
CHECKPOINT = RUN / "checkpoint" / "step-000000001"

TARGETS: dict[str, Target] = {}
SEEDS: dict[str, Callable[[], list[Path]]] = {}
ALLOWED = {"parquet": ("subprocess.Popen",)}
"""What a target may do, though others may not: Parquet is decoded in a process of its own."""


def target(name: str) -> Callable[[Target], Target]:
    """File a target; its seeds lie in the folder of its name in the corpus."""

    def file(read: Target) -> Target:
        TARGETS[name] = read
        SEEDS[name] = lambda: sorted(path for path in (CORPUS / name).glob("*"))
        return read

    return file


def hold(name: str, content: bytes) -> bool:
    """Let a target have an input; return whether it was taken, raise where it misbehaved."""
    return guard.hold(TARGETS[name], content, ALLOWED.get(name, ()))


def seeds(name: str) -> list[bytes]:
    """Return the inputs that a target's mutations begin from."""
    return [path.read_bytes() for path in SEEDS[name]()]


# Tables


def _load_table(path: Path) -> None:
    frame, _ = read_table(path)
    first, last = frame.columns[0], frame.columns[-1]
    tried(tw.load, path, last)
    tried(tw.load, path, last, time=first)
    tried(tw.load, path, first, kind="category", columns={last: "date"})


@target("csv")
def csv(content: bytes, folder: Path) -> None:
    (folder / "table.csv").write_bytes(content)
    _load_table(folder / "table.csv")


@target("csv.gz")
def csv_gz(content: bytes, folder: Path) -> None:
    (folder / "table.csv.gz").write_bytes(content)
    _load_table(folder / "table.csv.gz")


@target("tsv")
def tsv(content: bytes, folder: Path) -> None:
    (folder / "table.tsv").write_bytes(content)
    _load_table(folder / "table.tsv")


@target("parquet")
def parquet(content: bytes, folder: Path) -> None:
    (folder / "table.parquet").write_bytes(content)
    _load_table(folder / "table.parquet")


@target("cells")
def cells(content: bytes, folder: Path) -> None:
    column = pl.Series("column", content.decode("utf-8", "replace").split("\n"), dtype=pl.String)
    reading = infer(column)
    if reading.kind != "text":
        parsed = parse(column, reading)
        names_rows(parsed, is_first=True)
        tokens(column, parsed)
    for kind in COLUMN_KINDS:
        tried(parse, column, Reading("column", kind, "%d.%m.%Y"))


@target("frame")
def frame(content: bytes, folder: Path) -> None:
    """Rows as dictionaries, as a program gets them from JSON lines."""
    rows = []
    for line in content.splitlines():
        with suppress(ValueError, RecursionError):
            rows.append(json.loads(line))
    tried(tw.load, rows, "label")
    tried(tw.load, {str(number): row for number, row in enumerate(rows)}, "0")
    if is_frame(rows):
        as_frame(rows)


# Arrays


@target("npz")
def npz(content: bytes, folder: Path) -> None:
    (folder / "arrays.npz").write_bytes(content)
    tw.load(folder / "arrays.npz")


@target("npy")
def npy(content: bytes, folder: Path) -> None:
    """The inputs of an archive whose checksums are right."""
    with zipfile.ZipFile(folder / "arrays.npz", "w") as archive:
        archive.writestr("x.npy", content)
    tw.load(folder / "arrays.npz", np.arange(6) % 2)


@target("npy targets")
def npy_targets(content: bytes, folder: Path) -> None:
    """The targets of an archive whose checksums are right."""
    with zipfile.ZipFile(folder / "arrays.npz", "w") as archive:
        archive.writestr("y.npy", content)
        with archive.open("x.npy", "w") as inputs:
            np.save(inputs, np.arange(18.0).reshape(6, 3) ** 2)
    tw.load(folder / "arrays.npz")


@target("saved weights")
def saved_weights(content: bytes, folder: Path) -> None:
    (folder / "weights.pth").write_bytes(content)
    read_tensors(folder / "weights.pth")


@target("safetensors")
def safe_weights(content: bytes, folder: Path) -> None:
    (folder / "weights.safetensors").write_bytes(content)
    read_tensors(folder / "weights.safetensors")


@target("idx")
def idx(content: bytes, folder: Path) -> None:
    """Raw or packed: the reader looks which."""
    path = folder / "images-idx3-ubyte"
    path.write_bytes(content)
    (folder / "labels-idx1-ubyte").write_bytes(content)
    values = read_idx(path)
    tried(tw.load, path, np.arange(min(len(values), 10**6)) % 2)
    tried(tw.load, folder)


@target("cifar")
def cifar(content: bytes, folder: Path) -> None:
    """A file of records and, in the same bytes, one of names."""
    whole = len(content) // 3073 * 3073
    (folder / "data_batch_1.bin").write_bytes(content[:whole])
    (folder / "test_batch.bin").write_bytes(content)
    tried(tw.load, folder)
    (folder / "test_batch.bin").unlink()
    (folder / "batches.meta.txt").write_bytes(content[whole:])
    tw.load(folder)


# Pictures


def _picture(content: bytes, folder: Path) -> None:
    path = folder / "picture"
    path.write_bytes(content)
    with quiet():
        look(path)
        for size, channels in (((8, 8), 3), ((5, 7), 1)):
            read_pixels(path, size, channels)


for each in ("jpeg", "gif", "bmp", "webp", "tiff"):
    target(each)(_picture)


@target("png")
def png(content: bytes, folder: Path) -> None:
    """With the checksum of every chunk made anew, as far as chunks can be told."""
    tried(_picture, content, folder)
    parts, at = [content[:8]], 8
    while at + 12 <= len(content):
        length = int.from_bytes(content[at : at + 4], "big")
        chunk = content[at + 4 : at + 8 + length]
        parts += [content[at : at + 4], chunk, struct.pack(">I", zlib.crc32(chunk))]
        at += 12 + length
    _picture(b"".join(parts), folder)


def _pictures(folder: Path, names: list[str]) -> list[str]:
    """Put small pictures under these names, as far as a file system takes them."""
    written = []
    pixels = io.BytesIO()
    Image.new("L", (4, 4)).save(pixels, "PNG")
    for number, name in enumerate(names[:12]):
        picture = Image.new("L", (4, 4), number * 20)
        with suppress(OSError, ValueError):
            path = folder / name
            if path.resolve().is_relative_to(folder.resolve()):
                path.parent.mkdir(parents=True, exist_ok=True)
                picture.save(path, "PNG")
                written.append(name)
    return written


@target("names")
def names(content: bytes, folder: Path) -> None:
    """Folders and files that are called so: classes and pictures."""
    called = content.decode("utf-8", "surrogateescape").split("\n")
    _pictures(folder / "photos", called)
    splits = tw.load(folder / "photos")
    json.dumps(splits.schema.to_json(), ensure_ascii=False).encode()


@target("picture table")
def picture_table(content: bytes, folder: Path) -> None:
    (folder / "table.csv").write_bytes(content)
    _pictures(folder, ["a.png", "b.png", "c/d.png", "e.png", "f.png", "g.png"])
    frame, _ = read_table(folder / "table.csv")
    tw.load(folder / "table.csv", frame.columns[-1], images=frame.columns[0])


# Runs


def _altered(name: str, content: bytes, folder: Path) -> Path:
    run = shutil.copytree(RUN, folder / "run")
    with suppress(ValueError, RecursionError):
        # A seal is for accidents, and whoever means ill makes it anew.
        plain = json.loads(content) if name in ("schema.json", "record.json") else None
        if isinstance(plain, dict) and "seal" in plain:
            content = json.dumps(sealed(plain)).encode()
    (run / name).write_bytes(content)
    if name == "model.safetensors":
        status = json.loads((run / "status.json").read_text())
        status["checksum"] = zlib.crc32(content)
        (run / "status.json").write_text(json.dumps(status))
    return run


def _use(run: Path) -> None:
    """Do with a run what does not train."""
    loaded = tw.Run.load(run)
    repr(loaded)
    _api.compare(run, RUN)
    if tried(lambda: loaded.diagnosis):
        str(loaded.diagnosis)
        loaded.diagnosis.to_json()
    tried(loaded.predict, CORPUS / "csv" / "plain.csv")
    loaded.predict({"a": [1.0], "b": [2.0], "kind": ["x"], "day": ["2026-01-05"]}).rows()


def _file_of_run(name: str) -> None:
    def use(content: bytes, folder: Path) -> None:
        _use(_altered(name, content, folder))

    def draw(content: bytes, folder: Path) -> None:
        tw.Run.load(_altered(name, content, folder)).report(folder / "page.html")

    for kind, read in (("run", use), ("page", draw)):
        TARGETS[f"{kind} {name}"] = read
        SEEDS[f"{kind} {name}"] = lambda: [RUN / name, *sorted((CORPUS / f"run {name}").glob("*"))]


for each in (
    *("config.toml", "schema.json", "choices.json", "status.json", "history.jsonl"),
    *("timing.json", "scores.json", "record.json", "model.safetensors"),
):
    _file_of_run(each)


def _restore(folder: Path) -> None:
    torch.manual_seed(0)
    model = torch.nn.Linear(2, 2)
    state = State(model, make_optimizer(model, "adamw", learning_rate=0.1))
    _checkpoint.restore(state, folder)
    # What was restored is stepped with.
    model(torch.ones(1, 2)).sum().backward()
    state.optimizer.step()
    _checkpoint.save(state, folder)


def _file_of_checkpoint(name: str) -> None:
    def restore(content: bytes, folder: Path) -> None:
        path = shutil.copytree(CHECKPOINT, folder / "checkpoint" / CHECKPOINT.name)
        (path / name).write_bytes(content)
        plain = json.loads((path / "state.json").read_bytes())
        if isinstance(plain, dict) and isinstance(plain.get("checksums"), dict):
            plain["checksums"][name] = zlib.crc32(content)
        if isinstance(plain, dict):
            (path / "state.json").write_text(json.dumps(sealed(plain)))
        _restore(path.parent)

    def refuse(content: bytes, folder: Path) -> None:
        try:
            restore(content, folder)
        except (ValueError, RecursionError) as error:
            # It is no JSON, so that nothing can be sealed: read as it is.
            if isinstance(error, ThalwegError) or name != "state.json":
                raise
            _restore(folder / "checkpoint")

    TARGETS[f"checkpoint {name}"] = refuse
    SEEDS[f"checkpoint {name}"] = lambda: [
        CHECKPOINT / name,
        *sorted((CORPUS / f"checkpoint {name}").glob("*")),
    ]


for each in _checkpoint.FILES:
    _file_of_checkpoint(each)


# Settings


def _settings(sections: dict[str, Any]) -> None:
    """Do what `train` does with settings before it looks for the data."""
    Config.from_settings(sections.get("train", {}))
    model = dict(sections.get("model", {}))
    own = ("name", "seed", "outputs", "weights", "class")
    options = {name: value for name, value in model.items() if name not in own}
    Recipe(model.get("name", "mlp"), (4,), 3, model.get("seed", 0), options).build()


@target("settings")
def settings(content: bytes, folder: Path) -> None:
    """Words of a command line, one per line."""
    given = parse_settings(content.decode("utf-8", "surrogateescape").split("\n"))
    _settings(_api.route(given, {"model": {"name": "mlp"}, "data": {"source": "iris"}}))


@target("config")
def config(content: bytes, folder: Path) -> None:
    """A file that `--config` names."""
    (folder / "config.toml").write_bytes(content)
    _settings(_api.route({"epochs": 1}, read_toml(folder / "config.toml")))
