"""Archives are read as data: no member becomes a file, whatever it is called or says it is."""

import ast
import gzip
import io
import stat
import struct
import zipfile
from pathlib import Path

import guard
import numpy as np
import pytest

import thalweg
import thalweg as tw

SOURCE = Path(thalweg.__file__).parent
NAMES = (
    *("../x", "../../../../tmp/x", "/tmp/x", "//host/x", "C:\\x", "..\\x", "x/../../x", "X", "con"),
    *("x\0y", "x\n", "\x1b[31mx", "~/x", "-x", "$(touch x)"),
)


def archive(name: str, mode: int = 0o600) -> bytes:
    """Return an .npz whose inputs are called so and say that they are of such a kind."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for member, values in ((name, np.arange(12.0).reshape(6, 2) ** 2), ("y", [0, 1] * 3)):
            info = zipfile.ZipInfo("placeholder")
            info.filename = f"{member}.npy"
            info.external_attr = mode << 16
            array = io.BytesIO()
            np.save(array, np.asarray(values))
            archive.writestr(info, array.getvalue())
    return content.getvalue()


def load(content: bytes, folder: Path) -> None:
    path = folder / "in" / "arrays.npz"
    path.parent.mkdir()
    path.write_bytes(content)
    guard.tried(tw.load, path)
    assert [each.name for each in folder.rglob("*") if each.is_file()] == ["arrays.npz"]


@pytest.mark.parametrize("name", NAMES)
def test_no_name_of_a_member_becomes_a_path(name):
    guard.hold(load, archive(name))


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR, stat.S_IFDIR])
def test_no_kind_of_a_member_becomes_a_link_or_a_device(kind):
    guard.hold(load, archive("x", kind | 0o777))


def test_the_name_inside_of_a_gzip_file_is_not_used():
    def unpack(content: bytes, folder: Path) -> None:
        (folder / "images-idx3-ubyte.gz").write_bytes(content)
        tw.load(folder / "images-idx3-ubyte.gz", np.arange(6) % 2)
        assert [each.name for each in folder.iterdir()] == ["images-idx3-ubyte.gz"]

    packed = io.BytesIO()
    header = struct.pack(">HBBIII", 0, 8, 3, 6, 2, 2)
    with gzip.GzipFile("../../x", "wb", fileobj=packed) as stream:
        stream.write(header + bytes(range(24)))
    assert guard.hold(unpack, packed.getvalue())


def test_nothing_in_our_source_extracts_an_archive():
    extracts = {"extract", "extractall", "unpack_archive", "tarfile", "py7zr", "rarfile"}
    found = []
    for path in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Attribute) and node.attr in extracts:
                found.append(f"{path.name}: {node.attr}")
            if isinstance(node, (ast.Import, ast.ImportFrom)):
                names = {alias.name for alias in node.names} | {getattr(node, "module", None)}
                found += [f"{path.name}: {name}" for name in names & extracts]
    assert not found
