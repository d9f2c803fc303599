"""IDX files, the format of MNIST: a header of sizes, then the numbers.

Two zero bytes, a byte for the type, a byte for the number of axes, each axis' length in four
bytes, big end first; then the numbers, likewise.
"""

import gzip
import math
import re
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedIOBase
from pathlib import Path
from types import NoneType
from typing import Any

import numpy as np

from thalweg._core import formats
from thalweg.data._parts import PART_NAMES
from thalweg.data._source import Raw, Source, sources
from thalweg.data.arrays._array_files import check_declared, join_parts
from thalweg.errors import DataError, DataNotFoundError

TYPES = {
    0x08: np.dtype(">u1"),
    0x09: np.dtype(">i1"),
    0x0B: np.dtype(">i2"),
    0x0C: np.dtype(">i4"),
    0x0D: np.dtype(">f4"),
    0x0E: np.dtype(">f8"),
}
# As published ("train-images-idx3-ubyte.gz") and as some programs unpack them ("….idx3-ubyte").
NAME = re.compile(r".*[-.]idx\d-(ubyte|byte|short|int|float|double)(\.gz)?", re.IGNORECASE)


def read_idx(path: Path) -> np.ndarray:
    """Return the array in an IDX file, packed by gzip or not.

    Raises:
        DataNotFoundError: There is no such file.
        DataError: It is no IDX file, is cut short, or promises more than it holds.
    """
    name = formats.plain(path)
    if not path.is_file():
        raise DataNotFoundError(f"there is no file {name}.")
    try:
        with _unpacked(path) as (stream, is_packed):
            return parse_idx(stream, path.stat().st_size, is_packed=is_packed)
    except DataError as error:
        raise DataError(f"cannot read {name}: {error}. Fetch or write it again.") from error
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"cannot read {name}: {formats.plain(error)}.") from error


def parse_idx(stream: BufferedIOBase, stored: int, *, is_packed: bool = False) -> np.ndarray:
    """Return the array that a stream in IDX format holds.

    Args:
        stream: Open for reading, at its start.
        stored: Bytes of the file behind it.
        is_packed: Whether the file is compressed, and the stream larger.

    Raises:
        DataError: Why it cannot be read, in a few words.

    Example:
        >>> import io
        >>> content = bytes([0, 0, 8, 1, 0, 0, 0, 2, 7, 9])
        >>> parse_idx(io.BytesIO(content), len(content))
        array([7, 9], dtype=uint8)
    """
    magic = stream.read(4)
    if len(magic) < 4:
        raise DataError("it ends within the first four bytes")
    if magic[:2] != b"\0\0" or magic[2] not in TYPES or magic[3] == 0:
        raise DataError(f"it begins with {magic.hex(' ')}, as no IDX file does")
    axes = magic[3]
    sizes = stream.read(4 * axes)
    if len(sizes) < 4 * axes:
        raise DataError("it ends within the header")
    shape = struct.unpack(f">{axes}I", sizes)
    dtype = TYPES[magic[2]]
    declared = math.prod(shape) * dtype.itemsize
    check_declared(declared, stored, is_packed=is_packed)
    content = stream.read(declared + 1)
    if len(content) != declared:
        held = "more" if len(content) > declared else f"only {formats.count(len(content))}"
        raise DataError(f"its header promises {formats.count(declared)} bytes, it holds {held}")
    # Little end first from here on, as torch needs it.
    return np.frombuffer(content, dtype).reshape(shape).astype(dtype.newbyteorder("="))


@contextmanager
def _unpacked(path: Path) -> Iterator[tuple[BufferedIOBase, bool]]:
    """Open a file, whatever its name says, unpacked if it is packed."""
    with path.open("rb") as file:
        is_packed = file.read(2) == b"\x1f\x8b"
        file.seek(0)
        if not is_packed:
            yield file, False
            return
        with gzip.GzipFile(fileobj=file) as stream:
            yield stream, True


def _accepts(data: Any) -> bool:
    if not isinstance(data, (str, Path)):
        return False
    return NAME.fullmatch(Path(data).name) is not None or bool(_image_files(Path(data)))


def _image_files(folder: Path) -> list[Path]:
    """Return the IDX files of inputs in a folder, the unpacked one where there are both."""
    try:
        files = sorted(path for path in folder.iterdir() if NAME.fullmatch(path.name))
    except OSError:
        return []
    unique = {path.name.lower().removesuffix(".gz"): path for path in reversed(files)}
    return [unique[name] for name in sorted(unique) if "images" in name]


def _read(data: Any, target: Any = None) -> Raw:
    path = Path(data)
    if not path.is_dir():
        return join_parts({"": _pair(path, target)}, formats.plain(path))
    if target is not None:
        raise DataError(
            "a folder of IDX files has its targets in the files named labels. Leave out target=, "
            "or load one file of images with target='FILE'."
        )
    found: dict[str, tuple[np.ndarray, np.ndarray]] = {}
    for images in _image_files(path):
        words = re.split(r"[-._]", images.name.lower())
        part = next((PART_NAMES[word] for word in words if word in PART_NAMES), "train")
        if part in found:
            raise DataError(
                f"{formats.plain(path)} holds several data sets, {formats.plain(images.name)} "
                "among them. Load one file of images, or keep one set per folder."
            )
        found[part] = _pair(images, None)
    return join_parts(found, formats.plain(path))


def _pair(images: Path, target: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return what a file holds, and its targets.

    Raises:
        DataError: A file of targets has more or fewer than there are examples.
    """
    values, targets = read_idx(images), _targets(images, target)
    if isinstance(target, (str, Path, NoneType)) and len(values) != len(targets):
        name = formats.plain(images.name)
        raise DataError(
            f"{name} holds {formats.count(len(values))} examples and its file of targets "
            f"{formats.count(len(targets))}. They must hold equally many; load both anew."
        )
    return values, targets


def _targets(images: Path, target: Any) -> np.ndarray:
    """Return the targets: an array, those of a file that is named, or of the one beside."""
    if target is None:
        wanted = images.name.replace("images", "labels").replace("idx3", "idx1")
        stem = wanted.removesuffix(".gz")
        paths = [images.with_name(name) for name in (wanted, stem, f"{stem}.gz")]
    elif isinstance(target, (str, Path)):
        paths = [Path(target), images.with_name(Path(target).name)]
    else:
        return target
    for path in paths:
        if path != images and path.is_file():
            return read_idx(path)
    raise DataNotFoundError(
        f"there is no file {formats.plain(paths[0])} with the targets of "
        f"{formats.plain(images.name)}. Name it with target='FILE'."
    )


sources.register("idx", summary="IDX files, as MNIST comes in, or a folder of them")(
    Source(_accepts, _read)
)
