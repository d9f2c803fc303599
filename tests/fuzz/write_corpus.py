"""Writes the seeds: `python tests/fuzz/write_corpus.py`. What was found stays where it is."""

import gzip
import io
import shutil
import struct
from pathlib import Path

import numpy as np
import polars as pl
import safetensors.torch
import torch
from PIL import Image

import thalweg as tw
from thalweg.train import _checkpoint, make_optimizer
from thalweg.train._state import State

CORPUS = Path(__file__).with_name("corpus")

ROWS = "".join(
    f"{i * 0.37 % 2:.2f},{i * 0.73 % 3 - 1:.2f},{'xyz'[i % 3]},2026-0{1 + i % 9}-1{i % 7},"
    f"{('no', 'yes')[i % 5 > 2]}\n"
    for i in range(24)
)
PLAIN = f"a,b,kind,day,label\n{ROWS}"
ODD = (
    "\ufeffname;größe;flag;when;y\n"
    '"a; ""quoted"" one";3,14;true;03.04.2026 12:30;1\n'
    '"two\nlines";-1e3;false;;2\n'
    ";?;TRUE;31.12.2025 00:00;3\n"
    "é漢字🙂;NA;false;01.01.2026 01:01;4\n\n"
    "last;0,5;true;02.02.2026 02:02;5"
)
CELLS = {
    "numbers": "1\n-2.5\n+3e4\n.5\n\nnan\n?\n  7  ",
    "dates": "2026-03-31\n2025-12-01\n\n2024-02-29",
    "times": "2026-03-31T12:00:00.5Z\n2025-12-01 00:00:00\n",
    "german": "31.03.2026 12:00\n01.12.2025 00:00",
    "booleans": "yes\nNo\nYES\n\nno",
    "names": "a\nb\na\nß\n00123\nNA\n-",
}
FRAME = (
    '{"a": 1, "b": 0.5, "kind": "x", "label": "no"}\n{"a": 2, "b": null, "label": "yes"}\n'
    '{"a": 3, "b": -1.5, "kind": "y", "label": "no"}\n{"a": 4, "kind": "x", "label": "yes"}\n'
)
SETTINGS = {
    "training": "epochs=3\nlearning_rate=0.01\noptimizer=sgd\nmomentum=0.9\nbatch_size=32",
    "network": "model.hidden=64,32\nactivation=tanh\ndropout=.5\nnormalization=batch\nseed=3",
    "lists": 'betas=[0.9, 0.99]\nschedule=step\ndrop_every=5\nvalid=0.2\nsplit="group"\ngroup=a',
}
NAMES = "cats/a.png\ncats/b.png\ncats/é.PNG\ndogs/two words.png\ndogs/c.png\ndogs/x\ty.png"
TABLE = "file,label\na.png,one\nb.png,two\nc/d.png,one\nmissing.png,two\ne.png,one\nf.png,two\n"


def put(place: str, content: bytes | str) -> None:
    """Write one seed."""
    path = CORPUS / place
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)


def tables() -> None:
    put("csv/plain.csv", PLAIN)
    put("csv/odd.csv", ODD)
    put("csv/latin.csv", "n,größe\n1,2\n2,ß\n3,ä\n".encode("latin-1"))
    put("csv/utf-16.csv", "n,m\n1,2\n2,3\n3,5\n".encode("utf-16"))
    put("tsv/plain.tsv", PLAIN.replace(",", "\t"))
    put("tsv/bars.tsv", PLAIN.replace(",", "|"))
    put("csv.gz/plain.csv.gz", gzip.compress(PLAIN.encode(), mtime=0))
    for name, text in CELLS.items():
        put(f"cells/{name}", text)
    put("frame/rows.jsonl", FRAME)
    frame = pl.read_csv(PLAIN.encode(), try_parse_dates=True)
    wide = frame.with_columns(
        flag=pl.col("a") > 1,
        count=pl.col("a").cast(pl.Int16),
        level=pl.col("kind").cast(pl.Categorical),
        both=pl.concat_list("a", "b"),
        pair=pl.struct("a", "kind"),
        span=pl.duration(seconds=pl.col("a").cast(pl.Int64)),
        at=pl.col("day").cast(pl.Datetime("ms")),
    )
    for name, table, packing in (
        ("snappy", frame, "snappy"),
        ("zstd", wide, "zstd"),
        ("gzip", frame.head(3), "gzip"),
        ("none", wide.head(4), "uncompressed"),
    ):
        content = io.BytesIO()
        table.write_parquet(content, compression=packing)  # type: ignore[arg-type]
        put(f"parquet/{name}.parquet", content.getvalue())


def arrays() -> None:
    draw = np.random.default_rng(0)
    numbers, labels = draw.normal(size=(6, 3)), np.array([0, 1, 0, 1, 0, 1])
    for name, save in (("stored", np.savez), ("deflated", np.savez_compressed)):
        content = io.BytesIO()
        save(content, x=numbers, y=labels)
        put(f"npz/{name}.npz", content.getvalue())
    content = io.BytesIO()
    np.savez(content, x_train=numbers, y_train=labels, x_test=numbers[:2], y_test=labels[:2])
    put("npz/parts.npz", content.getvalue())
    for name, values in (
        ("floats", numbers.astype(np.float32)),
        ("bytes", draw.integers(0, 256, (6, 4, 4), dtype=np.uint8)),
        ("big end first", numbers.astype(">f8")),
        ("columns first", np.asfortranarray(numbers)),
    ):
        put(f"npy/{name}.npy", _npy(values))
    for name, values in (
        ("classes", labels),
        ("words", np.array(["no", "yes"] * 3)),
        ("coded words", np.array([b"no", b"yes"] * 3)),
        ("numbers", numbers[:, 0]),
        ("flags", labels.astype(bool)),
    ):
        put(f"npy targets/{name}.npy", _npy(values))
    pictures = draw.integers(0, 256, 6 * 4 * 4, dtype=np.uint8).tobytes()
    header = struct.pack(">HBBIII", 0, 8, 3, 6, 4, 4)
    put("idx/pictures", header + pictures)
    put("idx/labels", struct.pack(">HBBI", 0, 8, 1, 6) + bytes(labels.tolist()))
    put("idx/packed", gzip.compress(header + pictures, mtime=0))
    floats = numbers.astype(">f4").tobytes()
    put("idx/floats", struct.pack(">HBBII", 0, 13, 2, 6, 3) + floats)
    records = [bytes([n % 2]) + bytes([40 * n]) * 3072 for n in range(4)]
    put("cifar/records and names", b"".join(records) + b"airplane\nautomobile\nbird\n")


def _npy(values: np.ndarray) -> bytes:
    content = io.BytesIO()
    np.save(content, values)
    return content.getvalue()


def weights() -> None:
    state = {"fc.weight": torch.arange(12.0).view(3, 4), "fc.bias": torch.zeros(3)}
    for name, is_zip in (("zip", True), ("old", False)):
        content = io.BytesIO()
        torch.save({"state_dict": state}, content, _use_new_zipfile_serialization=is_zip)
        put(f"saved weights/{name}.pth", content.getvalue())
    put("safetensors/weights.safetensors", safetensors.torch.save(state))


def pictures() -> None:
    rows, columns = np.mgrid[:12, :10]
    colour = np.stack([rows * 20, columns * 25, (rows + columns) * 10], axis=-1).astype(np.uint8)
    image = Image.fromarray(colour)
    grey, palette = image.convert("L"), image.convert("P")
    turned = Image.Exif()
    turned[0x0112] = 6
    clear = image.convert("RGBA")
    clear.putalpha(grey)
    deep = Image.fromarray(colour[:, :, 0].astype(np.uint16) * 257)
    for place, picture, options in (
        ("jpeg/colour.jpg", image, {"quality": 60}),
        ("jpeg/progressive and turned.jpg", grey, {"progressive": True, "exif": turned}),
        ("jpeg/cmyk.jpg", image.convert("CMYK"), {}),
        ("jpeg/mpo.jpg", image, {"format": "MPO", "save_all": True, "append_images": [grey]}),
        ("png/colour.png", image, {}),
        ("png/16 bits.png", deep, {}),
        ("png/palette.png", palette, {"transparency": 3}),
        ("png/clear and turned.png", clear, {"exif": turned}),
        ("png/animated.png", grey, {"save_all": True, "append_images": [palette.convert("L")]}),
        ("gif/still.gif", palette, {}),
        ("gif/animated.gif", palette, {"save_all": True, "append_images": [image, grey]}),
        ("bmp/colour.bmp", image, {}),
        ("bmp/palette.bmp", palette, {}),
        ("bmp/one bit.bmp", image.convert("1"), {}),
        ("webp/lossy.webp", image, {"quality": 30}),
        ("webp/lossless.webp", clear, {"lossless": True, "exif": turned}),
        ("webp/animated.webp", image, {"save_all": True, "append_images": [grey]}),
        ("tiff/raw.tif", image, {}),
        ("tiff/lzw.tif", grey, {"compression": "tiff_lzw"}),
        ("tiff/deflate.tif", deep, {"compression": "tiff_adobe_deflate"}),
        ("tiff/jpeg.tif", image, {"compression": "jpeg"}),
        ("tiff/fax.tif", image.convert("1"), {"compression": "group4"}),
        ("tiff/turned.tif", image, {"exif": turned}),
        ("tiff/pages.tif", grey, {"save_all": True, "append_images": [palette]}),
    ):
        content = io.BytesIO()
        picture.save(content, **{"format": place.split("/")[0].upper(), **options})
        put(place, content.getvalue())
    put("names/folders", NAMES)
    put("names/parts", "train/a/1.png\ntrain/b/2.png\ntest/a/3.png\ntest/b/4.png\nval/a/5.png")
    put("picture table/plain.csv", TABLE)


def runs() -> None:
    """A run of two epochs, and in it a checkpoint of another, smaller network."""
    shutil.rmtree(CORPUS / "run", ignore_errors=True)
    table = CORPUS / "csv" / "plain.csv"
    data = tw.load(table, "label")
    model = tw.build("mlp", data, hidden=[3])
    run = tw.fit(model, data, epochs=2, out=CORPUS / "run", progress=False)
    run.score("test")
    shutil.rmtree(CORPUS / "run" / "checkpoint")
    (CORPUS / "run" / ".lock").unlink()
    for name in ("schema.json", "config.toml"):
        # The folder of whoever wrote the seeds is nobody's business.
        path = CORPUS / "run" / name
        path.write_text(path.read_text().replace(str(table.resolve()), "/data/plain.csv"))
    torch.manual_seed(0)
    network = torch.nn.Linear(2, 2)
    state = State(network, make_optimizer(network, "adamw", learning_rate=0.1))
    network(torch.ones(1, 2)).sum().backward()
    state.optimizer.step()
    state.step = 1
    state.history.add_step(1, 0, 0.5, 0.1)
    _checkpoint.save(state, CORPUS / "run" / "checkpoint")
    document = (CORPUS / "run" / "config.toml").read_text()
    put("config/run.toml", document)
    put("config/short.toml", '[data]\nsource = "iris"\n[train]\nepochs = 3\nbetas = [0.9, 0.99]\n')


def main() -> None:
    """Write every seed."""
    tables()
    arrays()
    weights()
    pictures()
    for name, words in SETTINGS.items():
        put(f"settings/{name}", words)
    runs()
    held = [path.stat().st_size for path in CORPUS.rglob("*") if path.is_file()]
    print(f"{len(held)} seeds, {sum(held) / 1024:.0f} KiB")


if __name__ == "__main__":
    main()
