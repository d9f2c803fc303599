"""NumPy's .npz files: several named arrays in one archive, never a pickle."""

import math
import re
import sys
import tokenize
import warnings
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from thalweg._core import formats
from thalweg.data._parts import PART_NAMES
from thalweg.data._source import Raw, Source, sources
from thalweg.data.arrays._array_files import check_declared, join_parts
from thalweg.errors import DataError, DataNotFoundError

INPUT_NAMES = frozenset({"x", "images", "image", "data", "features", "inputs"})
TARGET_NAMES = frozenset({"y", "labels", "label", "target", "targets"})
# Bytes in which the header of an array must end; NumPy itself refuses longer ones.
LONGEST_HEADER = 10_000
# What zipfile and NumPy's reader of headers raise on damaged files.
DAMAGE = (
    *(OSError, ValueError, EOFError, zlib.error, NotImplementedError, RuntimeError),
    *(tokenize.TokenError, SyntaxError, MemoryError),
)
KNOWN = (
    "x and y, images and labels, or data and target; with parts, x_train, y_train, x_test, y_test"
)


def read_npz(path: Path) -> dict[str, np.ndarray]:
    """Return the arrays of an .npz file.

    Raises:
        DataNotFoundError: There is no such file.
        DataError: It is damaged, holds Python objects, or promises more than it holds.
    """
    name = formats.plain(path)
    if not path.is_file():
        raise DataNotFoundError(f"there is no file {name}.")
    try:
        with zipfile.ZipFile(path) as archive:
            infos = [info for info in archive.infolist() if info.filename.endswith(".npy")]
            declared = sum(info.file_size for info in infos)
            check_declared(declared, path.stat().st_size, is_packed=True)
            return {info.filename.removesuffix(".npy"): _array(archive, info) for info in infos}
    except DataError as error:
        raise DataError(f"cannot read {name}: {error}.") from error
    except zipfile.BadZipFile:
        raise DataError(f"{name} is not an .npz file, or is cut short. Save it again.") from None
    except DAMAGE as error:
        raise DataError(f"cannot read {name}: {formats.plain(error)}. Save it again.") from error


def _array(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> np.ndarray:
    """Return one array, after a look at what its header promises."""
    called = f"array {formats.plain(repr(info.filename.removesuffix('.npy')))}"
    with archive.open(info) as stream:
        version = np.lib.format.read_magic(stream)
        read_header = {
            (1, 0): np.lib.format.read_array_header_1_0,
            (2, 0): np.lib.format.read_array_header_2_0,
        }.get(version)
        if read_header is None:
            raise DataError(f"{called} is in version {version[0]}.{version[1]} of NumPy's format")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of files that Python 2 wrote
            shape, _, dtype = read_header(stream, max_header_size=LONGEST_HEADER)
        if dtype.hasobject:
            raise DataError(
                f"{called} holds Python objects, which only a pickle can; save numbers or text, "
                "such as array.astype(str)"
            )
        header = stream.tell()
    # The archive's size was checked; the header's is the one that memory is taken for.
    if header + math.prod(shape) * dtype.itemsize != info.file_size:
        raise DataError(f"{called} is not as long as its header promises")
    with archive.open(info) as stream, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        values = np.lib.format.read_array(stream, allow_pickle=False)
    if values.dtype.kind == "U" and _code_points(values).max(initial=0) > sys.maxunicode:
        raise DataError(f"{called} holds text of characters that do not exist")
    return values


def _code_points(words: np.ndarray) -> np.ndarray:
    """Return the characters of an array of text as numbers."""
    same = np.ascontiguousarray(words.astype(words.dtype.newbyteorder("=")))
    return same.reshape(-1).view(np.uint32) if same.dtype.itemsize else np.zeros(0, np.uint32)


def _accepts(data: Any) -> bool:
    return isinstance(data, (str, Path)) and Path(data).suffix.lower() == ".npz"


def _read(data: Any, target: Any = None) -> Raw:
    path = Path(data)
    arrays = read_npz(path)
    roles: dict[str, dict[str, np.ndarray]] = {"inputs": {}, "targets": {}}
    for name, values in arrays.items():
        role, part = _role(name, target)
        if role:
            if part in roles[role]:
                raise _unclear(path, arrays)
            roles[role][part] = values
    inputs, targets = roles["inputs"], roles["targets"]
    if target is not None and not isinstance(target, str):
        targets = {"": target}
    if not inputs or set(inputs) != set(targets):
        raise _unclear(path, arrays)
    return join_parts(
        {part: (values, _text(targets[part])) for part, values in inputs.items()},
        formats.plain(path),
    )


sources.register("npz", summary=".npz files with arrays x and y, or x_train, y_train and so on")(
    Source(_accepts, _read)
)


def _role(name: str, target: Any) -> tuple[str | None, str]:
    """Return what an array's name says it is: inputs or targets, and of which part."""
    if isinstance(target, str) and name == target:
        return "targets", ""
    words = re.split(r"[-_. ]", name.lower())
    part = next((PART_NAMES[word] for word in words if word in PART_NAMES), "")
    if INPUT_NAMES & set(words):
        return "inputs", part
    if TARGET_NAMES & set(words) and target is None:
        return "targets", part
    return None, part


def _text(values: Any) -> Any:
    """Return labels kept as bytes as text."""
    is_bytes = isinstance(values, np.ndarray) and values.dtype.kind == "S"
    return np.char.decode(values, "utf-8", "replace") if is_bytes else values


def _unclear(path: Path, arrays: dict[str, np.ndarray]) -> DataError:
    held = ", ".join(f"{name} {values.shape}" for name, values in arrays.items()) or "no arrays"
    return DataError(
        f"{formats.plain(path)} holds {formats.plain(held)}; which are inputs and which targets "
        f"cannot be told. Name them {KNOWN}."
    )
