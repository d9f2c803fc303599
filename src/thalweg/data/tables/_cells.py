"""What the cells of a column are: numbers, categories, booleans, dates, or text of no use."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import polars as pl

from thalweg._core import formats
from thalweg.data.images._image_files import SUFFIXES
from thalweg.errors import DataError

ColumnKind = Literal["number", "category", "boolean", "date"]
COLUMN_KINDS: tuple[ColumnKind, ...] = get_args(ColumnKind)

# How people write "nothing" where a number, a boolean or a date belongs.
MISSING = ("", "?", "-", "--", ".", "na", "n/a", "#n/a", "nan", "null", "none", "nil")
# Among names, "-", "NA" and "none" may be levels of their own (the target '+' or '-'; Namibia;
# no garage), and as levels of their own they lose nothing.
MISSING_NAME = ("", "?", "n/a", "#n/a", "nan", "null")

TRUE_AND_FALSE = (("true", "false"), ("yes", "no"), ("t", "f"), ("y", "n"))

ISO_FORMATS = ("%Y-%m-%d", "%Y-%m-%d %H:%M:%S%.f")
DATE_FORMATS = (
    "%Y-%m-%d",
    "%Y/%m/%d",
    "%d.%m.%Y",
    # Where no day is above 12, nothing tells these two apart: month first, as spreadsheets
    # write by default. The choice is printed.
    "%m/%d/%Y",
    "%d/%m/%Y",
    "%Y-%m-%d %H:%M:%S%.f",
    "%Y-%m-%d %H:%M",
    "%Y/%m/%d %H:%M:%S%.f",
    "%d.%m.%Y %H:%M:%S%.f",
    "%d.%m.%Y %H:%M",
    "%m/%d/%Y %H:%M:%S%.f",
    "%m/%d/%Y %H:%M",
    "%d/%m/%Y %H:%M:%S%.f",
    "%d/%m/%Y %H:%M",
)

# Days since 1970-01-01 of the first and the last day that Python knows: years 1 and 9999.
FIRST_DAY, LAST_DAY = -719_162, 2_932_896
PER_DAY = {"ms": 86_400_000, "us": 86_400_000_000, "ns": 86_400_000_000_000}

# A column of which at least this share reads as numbers was meant to hold numbers: the rest are
# slips of the pen, which one error each repairs. Below it, the column is one of names.
NUMBERS_MEANT = 0.95
# Text with more levels than half its rows names the rows: a level seen fewer than twice on
# average teaches nothing. A short table may have few rows per level without naming them.
FEWEST_ROWS_PER_LEVEL = 2
FEW_LEVELS = 8
# Whole numbers called "id" are one if nearly all differ; a few repeats are entry errors.
UNIQUE_SHARE = 0.95
CALLED_ID = re.compile(r"(?i:(?:^|[\W_])(?:id|uuid|guid|index)$)|[a-z](?:Id|ID)$")


@dataclass(frozen=True)
class Reading:
    """How the cells of one column are read."""

    name: str
    kind: ColumnKind | Literal["text"]
    """"text" is dropped."""
    date_format: str = ""
    """Of dates that are written as text."""
    reason: str = ""
    """Why it is dropped."""


def infer(cells: pl.Series) -> Reading:
    """Return how a column is read, judged by all of its cells.

    Raises:
        DataError: Nearly all cells are numbers, and some are other text.
    """
    name, dtype = cells.name, cells.dtype
    if dtype == pl.String:
        return _infer_text(cells)
    if dtype.is_numeric() or dtype in (pl.Null, pl.Duration, pl.Time):
        return Reading(name, "number")
    if dtype == pl.Boolean:
        return Reading(name, "boolean")
    if dtype in (pl.Date, pl.Datetime):
        return Reading(name, "date")
    if dtype in (pl.Categorical, pl.Enum):
        return Reading(name, "category")
    return Reading(name, "text", reason=f"its cells are {dtype}, neither numbers nor text")


def names_rows(cells: pl.Series, *, is_first: bool = False) -> str | None:
    """Return why a column only says which row it is; None if it may say more.

    Args:
        cells: A column as `parse` returns it.
        is_first: True for the first of several columns, where files number their rows.
    """
    present = cells.drop_nulls()
    distinct = present.n_unique()
    if cells.dtype == pl.String:
        if distinct <= FEW_LEVELS or distinct * FEWEST_ROWS_PER_LEVEL <= len(present):
            return None
        if present[0].lower().endswith(tuple(SUFFIXES)):
            return f"it names picture files, which images={cells.name!r} reads"
        # An example shows a number that is written unusually, such as 1,000.
        such = formats.plain(repr(present[0]), 30)
        count = formats.count
        return f"{count(distinct)} distinct texts in {count(len(present))} rows, such as {such}"
    if cells.dtype != pl.Float64 or len(present) < 2 or (present != present.round()).any():
        return None
    is_run = len(present) == len(cells) and (present.diff().drop_nulls() == 1).all()
    if is_first and is_run and present[0] in (0, 1):
        return f"it numbers the rows from {present[0]:.0f}"
    if CALLED_ID.search(cells.name) and distinct >= UNIQUE_SHARE * len(present):
        return f"{formats.count(distinct)} distinct identifiers in {formats.count(len(present))}"
    return None


def parse(cells: pl.Series, reading: Reading) -> pl.Series:
    """Return a column as Float64, String, Boolean or Datetime, missing cells null.

    Raises:
        DataError: A cell does not read as the column's kind; the message names it.
    """
    if cells.dtype in (pl.Categorical, pl.Enum):
        cells = cells.cast(pl.String)
    if cells.dtype.is_nested() or cells.dtype == pl.Object:
        name = formats.plain(repr(cells.name))
        raise DataError(
            f"column {name} cannot be read as {reading.kind}: its cells are {cells.dtype}. Make "
            "each a single value, or drop the column."
        )
    is_beyond = _is_beyond(cells)
    if is_beyond.any():
        # Their text cannot be shown: polars has none for them.
        raise DataError(
            f"column {formats.plain(repr(cells.name))} must hold dates of the years 1 to 9999, got "
            f"another at row {is_beyond.arg_max()} (rows count from 0). Correct or clear the cell."
        )
    match reading.kind:
        case "number":
            parsed = _as_numbers(cells)
            needed = "a number"
        case "boolean":
            parsed = _as_booleans(cells)
            needed = "true or false"
        case "date":
            # Dates that were written otherwise in training may come as ISO dates later.
            parsed = _as_dates(cells, reading.date_format, *ISO_FORMATS)
            needed = f"a date such as {reading.date_format or '2026-03-31'}"
        case _:
            return _as_names(cells)
    present = cells.is_not_null()
    if cells.dtype == pl.String:
        present &= ~_stripped(cells).str.to_lowercase().is_in(MISSING).fill_null(True)
    elif cells.dtype.is_float():
        present &= cells.is_not_nan()
    _refuse(cells, present & parsed.is_null(), needed)
    if reading.kind == "number":
        _refuse(cells, parsed.is_infinite().fill_null(False), "finite")
    return parsed


def _infer_text(cells: pl.Series) -> Reading:
    name = cells.name
    stripped = _stripped(cells).drop_nulls()
    counts = stripped.value_counts(name="rows")  # the distinct cells are far fewer
    distinct = counts[stripped.name]
    is_present = ~distinct.str.to_lowercase().is_in(MISSING)
    counts, distinct = counts.filter(is_present), distinct.filter(is_present)
    if distinct.is_empty():
        return Reading(name, "number")
    words = distinct.str.to_lowercase().unique()
    if any(words.is_in(pair).all() for pair in TRUE_AND_FALSE):
        return Reading(name, "boolean")
    numbers = distinct.cast(pl.Float64, strict=False)
    # 00123 is a code: as a number it would lose its zeros.
    if distinct.str.contains(r"^0\d+$").any():
        return Reading(name, "category")
    if numbers.null_count() == 0:
        return Reading(name, "number")
    for date_format in DATE_FORMATS:
        # One cell refuses most formats, which spares the others the slow parse.
        if all(
            _as_dates(some, date_format).is_not_null().all() for some in (distinct[:1], distinct)
        ):
            return Reading(name, "date", date_format)
    rows = counts["rows"].to_numpy()
    if rows[numbers.is_not_null().to_numpy()].sum() >= NUMBERS_MEANT * rows.sum():
        wrong = distinct.filter(numbers.is_null())
        is_wrong = _stripped(cells).is_in(wrong.implode()).fill_null(False)
        hint = " If the column holds names, pass columns={'NAME': 'category'}."
        _refuse(cells, is_wrong, "a number", hint)
    return Reading(name, "category")


def _as_numbers(cells: pl.Series) -> pl.Series:
    if cells.dtype == pl.String:
        cells = _stripped(cells)
    elif cells.dtype == pl.Duration:
        cells = cells.dt.total_microseconds() / 1e6  # seconds
    elif cells.dtype == pl.Time:
        cells = cells.cast(pl.Duration).dt.total_microseconds() / 1e6  # seconds since midnight
    elif not (cells.dtype.is_numeric() or cells.dtype in (pl.Boolean, pl.Null)):
        return _nothing(cells, pl.Float64())
    return cells.cast(pl.Float64, strict=False).fill_nan(None)


def _as_booleans(cells: pl.Series) -> pl.Series:
    if cells.dtype == pl.Boolean:
        return cells
    text = _as_names(cells).str.to_lowercase()
    truths = {word: True for word, _ in TRUE_AND_FALSE} | {"1": True}
    lies = {word: False for _, word in TRUE_AND_FALSE} | {"0": False}
    return text.replace_strict(truths | lies, default=None, return_dtype=pl.Boolean)


def _as_dates(cells: pl.Series, *date_formats: str) -> pl.Series:
    instant = pl.Datetime("us")
    if cells.dtype == pl.Datetime and getattr(cells.dtype, "time_zone", None):
        cells = cells.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
    if cells.dtype in (pl.Date, pl.Datetime):
        return cells.cast(instant)
    if cells.dtype != pl.String:
        return _nothing(cells, instant)
    text = _stripped(cells).str.replace(r"(\d)T(\d)", "$1 $2").str.replace("Z$", "")
    parsed = _nothing(cells, instant)
    for date_format in dict.fromkeys(date_formats):
        if date_format and parsed.null_count():
            found = text.str.to_datetime(date_format, time_unit="us", strict=False)
            found = found.set(_is_beyond(found), None)
            parsed = parsed.zip_with(parsed.is_not_null(), found)
    return parsed


def _is_beyond(cells: pl.Series) -> pl.Series:
    """Return True for dates of no year from 1 to 9999."""
    if cells.dtype not in (pl.Date, pl.Datetime):
        return pl.repeat(False, len(cells), eager=True)
    per_day = PER_DAY[getattr(cells.dtype, "time_unit", "us")] if cells.dtype != pl.Date else 1
    # Divided and not multiplied, which would overflow.
    days = cells.to_physical().cast(pl.Int64) // per_day
    return ~days.is_between(FIRST_DAY, LAST_DAY).fill_null(True)


def _as_names(cells: pl.Series) -> pl.Series:
    """Return cells as names; 3.0 and 3 are one name."""
    if cells.dtype.is_float():
        whole = cells == cells.round()
        text = cells.cast(pl.String).zip_with(
            ~whole.fill_null(False), cells.cast(pl.Int64, strict=False).cast(pl.String)
        )
    elif cells.dtype.is_nested() or cells.dtype == pl.Object:
        return _nothing(cells, pl.String())
    else:
        text = cells.cast(pl.String)
    text = _stripped(text)
    is_missing = text.str.to_lowercase().is_in(MISSING_NAME).fill_null(True)
    return _nothing(text, pl.String()).zip_with(is_missing, text)


def _stripped(cells: pl.Series) -> pl.Series:
    return cells.str.strip_chars()


def _nothing(cells: pl.Series, dtype: Any) -> pl.Series:
    # Any, since beartype refuses polars' types as hints.
    return pl.Series(cells.name, [None], dtype=dtype).new_from_index(0, len(cells))


def _refuse(cells: pl.Series, is_wrong: pl.Series, needed: str, hint: str = "") -> None:
    """Raise for the first wrong cell, if there is one."""
    if is_wrong.any():
        row = is_wrong.arg_max()
        assert row is not None
        raise DataError(
            f"column {formats.plain(repr(cells.name))} must be {needed} in every row, got "
            f"{formats.plain(repr(cells[row]))} at row {row} (rows count from 0). Correct or clear "
            f"the cell.{hint}"
        )


def tokens(cells: pl.Series, parsed: pl.Series) -> Sequence[str]:
    """Return the texts, other than the empty one, that were read as missing."""
    if cells.dtype != pl.String:
        return []
    stripped = _stripped(cells.filter(parsed.is_null() & cells.is_not_null()))
    return stripped.filter(stripped != "").unique(maintain_order=True).to_list()
