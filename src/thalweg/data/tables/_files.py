"""Files with columns: CSV, TSV and Parquet."""

import csv
import gzip
import io
import zlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import polars as pl

from thalweg._core import formats, memory
from thalweg._core.choices import Choice
from thalweg._core.reading import read
from thalweg.data.tables._cells import MISSING
from thalweg.data.tables._column import check_width
from thalweg.data.tables._parquet import read_parquet
from thalweg.data.tables._recognize import PARQUET
from thalweg.errors import DataError, DataNotFoundError, SettingError

DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
# A table is there as bytes, as text, as cells and as numbers for a moment.
MEMORY_SHARE = 1 / 6
# Enough to tell a delimiter from a character that happens to occur.
LINES_LOOKED_AT = 50
# Names that a message shows.
MOST_SHOWN = 5
# The csv module's own limit, 128 KiB, refuses long texts that are sound.
csv.field_size_limit(2**31 - 1)


def read_table(path: Path, delimiter: str | None = None) -> tuple[pl.DataFrame, list[Choice]]:
    """Return a file's columns, all of them text if the file is, and what was decided.

    Args:
        path: A file whose name `is_table` knows.
        delimiter: The character between cells, or its name. By default it is found out.

    Raises:
        DataNotFoundError: There is no such file.
        DataError: It cannot be read, is empty, or its rows differ in length.
        SettingError: The delimiter is not one character.
    """
    content = _content(path)
    if path.name.lower().endswith(PARQUET):
        return read_parquet(content, path), []
    text, choices = _decoded(content, path)
    delimiter, chosen = _delimiter(text, path, delimiter)
    header = _header(text, delimiter, path)
    frame = _all_at_once(text, delimiter, header)
    if frame is None:
        frame = _row_by_row(text, delimiter, header, path)
    if frame.height == 0:
        raise DataError(f"{path} has a header but no rows. Check how it was written.")
    frame.columns = header
    if all(_is_number(name) for name in header):
        reason = (
            "the first line names the columns although it holds numbers; if it is an example, "
            "write a line of names above it"
        )
        choices.append(Choice("header", header[:MOST_SHOWN], reason))
    frame, repairs = (frame, []) if delimiter == "," else _with_decimal_points(frame)
    return frame, choices + chosen + repairs


def _content(path: Path) -> bytes:
    try:
        content = read(path, MEMORY_SHARE)
        if path.name.lower().endswith(".gz"):
            content = _unpacked(content)
    except FileNotFoundError:
        raise DataNotFoundError(
            f"there is no file {formats.plain(path)}. Check the path; it is read from {Path.cwd()}."
        ) from None
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise DataError(f"{path} is not a whole gzip file: {error}. Copy it again.") from None
    except OSError as error:
        reason = error.strerror or error
        raise DataError(f"{formats.plain(path)} cannot be read: {reason}.") from None
    if not content:
        raise DataError(f"{path} is empty. A header and rows are needed.")
    return content


def _unpacked(content: bytes) -> bytes:
    limit = int(MEMORY_SHARE * memory.available())
    with gzip.GzipFile(fileobj=io.BytesIO(content)) as stream:
        unpacked = stream.read(limit + 1)
    if len(unpacked) > limit:
        raise OSError(
            f"unpacked it has more than {formats.size(limit)}, a sixth of the memory available"
        )
    return unpacked


def _decoded(content: bytes, path: Path) -> tuple[str, list[Choice]]:
    """Return the file's text with line feeds, and what encoding was assumed where not UTF-8."""
    choices = []
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        text = content.decode("utf-16", errors="replace")
        choices.append(Choice("encoding", "utf-16", "the file begins with its mark"))
    elif b"\0" in content:
        raise DataError(f"{path} must be text, but holds zero bytes. Is it another kind of file?")
    else:
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = content.count(b"\n", 0, error.start) + 1
            reason = f"line {line} is not UTF-8: byte 0x{content[error.start]:02x}"
            choices.append(Choice("encoding", "latin-1", reason))
            text = content.decode("latin-1")
    if not text.strip():
        raise DataError(f"{path} is empty. A header and rows are needed.")
    if "\n" not in text:
        text = text.replace("\r", "\n")
    return text, choices


def _delimiter(text: str, path: Path, wanted: str | None) -> tuple[str, list[Choice]]:
    """Return the character between cells, and why if it is not the one that the name says."""
    if wanted is not None:
        named = {name: character for character, name in DELIMITERS.items()} | {"\\t": "\t"}
        wanted = named.get(wanted, wanted)
        if len(wanted.encode()) != 1 or wanted in '"\r\n':
            raise SettingError(
                f"delimiter must be one character, or one of {', '.join(named)}, got {wanted!r}."
            )
        return wanted, []
    usual = "," if ".csv" in path.name.lower() else "\t"
    lines = text.split("\n", LINES_LOOKED_AT)[:LINES_LOOKED_AT]
    fits = {delimiter: _fit(lines, delimiter) for delimiter in (usual, *DELIMITERS)}
    best = max(fits, key=lambda delimiter: fits[delimiter])
    if best == usual:
        return usual, []
    reason = f"it parts most rows into {fits[best][1]} cells; a {DELIMITERS[usual]} does not"
    return best, [Choice("delimiter", DELIMITERS[best], reason)]


def _fit(lines: list[str], delimiter: str) -> tuple[float, int]:
    """Return the share of rows with as many cells as the header, and how many those are."""
    try:
        widths = [len(row) for row in csv.reader(lines, delimiter=delimiter) if row]
    except csv.Error:  # a carriage return in the middle of a line
        return 0.0, 1
    if not widths or widths[0] < 2:
        return 0.0, 1
    return widths.count(widths[0]) / len(widths), widths[0]


def _header(text: str, delimiter: str, path: Path) -> list[str]:
    """Return the columns' names, all different; nameless ones are numbered."""
    first = next((row for _, row in _rows(text, delimiter, path) if not _is_blank(row)), None)
    if first is None:
        raise DataError(f"{path} is empty. A header and rows are needed.")
    check_width(len(first))
    names = [name.strip() or f"column {position}" for position, name in enumerate(first)]
    repeated = [name for name, times in Counter(names).items() if times > 1]
    if repeated:
        listed = formats.plain(", ".join(map(repr, repeated)))
        hint = " If the first line is an example, write a line of names above it."
        raise DataError(
            f"{path} must have differing column names, got {listed} more than once."
            + (hint if any(map(_is_number, repeated)) else " Rename one.")
        )
    return names


def _rows(text: str, delimiter: str, path: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield every row with the number of its last line."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    begin = 1
    try:
        for row in reader:
            yield reader.line_num, row
            begin = reader.line_num + 1
    except csv.Error as error:
        reason = "a quote is opened and not closed" if "end of data" in str(error) else error
        raise DataError(f"{path}, line {begin}: {reason}. Correct the line.") from None


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _is_blank(row: list[str]) -> bool:
    return len(row) == 0 or (len(row) == 1 and not row[0].strip())


def _all_at_once(text: str, delimiter: str, header: list[str]) -> pl.DataFrame | None:
    """Return the columns, read fast; None where rows may differ in length."""
    try:
        frame = pl.read_csv(text.encode(), separator=delimiter, infer_schema=False)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException):
        return None
    # A blank line, a short row and a row that ends in an empty cell all end in a null.
    return frame if frame.width == len(header) and not frame[:, -1].null_count() else None


def _row_by_row(text: str, delimiter: str, header: list[str], path: Path) -> pl.DataFrame:
    """Return the columns, read slowly but with an eye to each row.

    Raises:
        DataError: A row is longer or shorter than the header; the message says on which line.
    """
    rows: list[list[str]] = []
    for line, row in _rows(text, delimiter, path):
        if _is_blank(row):
            # Among several columns a blank line is none; in a single one it is an empty cell.
            if len(header) == 1 and rows:
                rows.append([""])
        elif len(row) == len(header):
            rows.append(row)
        else:
            raise DataError(
                f"{path}, line {line}: {len(header)} cells are needed as in the header, "
                f"got {len(row)}. Correct the line, or name the delimiter with delimiter=."
            )
    columns = zip(*rows[1:], strict=True) if len(rows) > 1 else [[] for _ in header]
    return pl.DataFrame(
        [pl.Series(str(n), cells, dtype=pl.String) for n, cells in enumerate(columns)]
    )


def _with_decimal_points(frame: pl.DataFrame) -> tuple[pl.DataFrame, list[Choice]]:
    """Return the frame with 3,14 as 3.14 in the columns of such numbers and empty cells."""
    written = r"^\s*[+-]?\d*,?\d+(?:[eE][+-]?\d+)?\s*$"
    mended = []
    for cells in frame:
        present = cells.filter(~cells.str.strip_chars().str.to_lowercase().is_in(MISSING))
        has_comma = present.str.contains(",", literal=True)
        if has_comma.any() and present.str.contains(written).all():
            mended.append(cells.str.replace(",", ".", literal=True))
    if not mended:
        return frame, []
    names = [cells.name for cells in mended]
    reason = "cells such as 3,14 in a file whose delimiter is no comma"
    return frame.with_columns(mended), [Choice("decimal comma", names, reason)]
