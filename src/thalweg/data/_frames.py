"""Any data frame, and plain rows or columns of Python, as one kind of frame."""

from typing import Any

import narwhals as nw
import numpy as np
import polars as pl

from thalweg._core import formats
from thalweg.errors import DataError


def is_frame(data: Any) -> bool:
    """Return True for a data frame of any library, a dictionary of columns, a list of rows."""
    if isinstance(data, dict) or _is_rows(data):
        return True
    found = nw.from_native(data, pass_through=True)
    return isinstance(found, (nw.DataFrame, nw.LazyFrame))


def as_frame(data: Any) -> pl.DataFrame:
    """Return a data frame, a dictionary of columns (or of one row's cells), or a list of rows.

    Raises:
        DataError: Column names repeat, or columns differ in length.
    """
    if _is_rows(data):
        names = dict.fromkeys(name for row in data for name in row)
        data = {name: [row.get(name) for row in data] for name in names}
    if isinstance(data, dict):
        return _from_columns(data)
    try:
        frame = nw.from_native(data)
        if isinstance(frame, nw.LazyFrame):
            frame = frame.collect()
        native = nw.to_native(frame)
        if isinstance(native, pl.DataFrame):
            return native
        return pl.DataFrame([_as_series(str(cells.name), cells) for cells in frame.iter_columns()])
    except (nw.exceptions.DuplicateError, pl.exceptions.DuplicateError) as error:
        raise DataError(f"column names must differ: {formats.plain(error)}.") from None


def _is_rows(data: Any) -> bool:
    return isinstance(data, list) and bool(data) and all(isinstance(row, dict) for row in data)


def _from_columns(columns: dict[Any, Any]) -> pl.DataFrame:
    cells = {
        str(name): [cell] if isinstance(cell, str) or np.ndim(cell) == 0 else list(cell)
        for name, cell in columns.items()
    }
    lengths = {name: len(column) for name, column in cells.items()}
    if len(set(lengths.values())) > 1:
        raise DataError(f"columns must have equal lengths, got {formats.plain(lengths)}.")
    return pl.DataFrame([_from_cells(name, column) for name, column in cells.items()])


def _as_series(name: str, column: nw.Series[Any]) -> pl.Series:
    """Convert without pyarrow, which pandas frames would otherwise need."""
    dtype = column.dtype
    if isinstance(dtype, nw.Datetime):
        if dtype.time_zone is not None:
            column = column.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
        return pl.Series(name, column.to_numpy().astype("datetime64[us]"))
    if isinstance(dtype, nw.Duration):
        return pl.Series(name, column.to_numpy().astype("timedelta64[us]"))
    if dtype.is_numeric() and not dtype.is_decimal():
        return pl.Series(name, column.to_numpy())
    is_missing = column.is_null().to_list()
    cells = column.to_list()
    series = _from_cells(name, [None if m else c for c, m in zip(cells, is_missing, strict=True)])
    is_category = isinstance(dtype, (nw.Categorical, nw.Enum)) and series.dtype == pl.String
    return series.cast(pl.Categorical) if is_category else series


def _from_cells(name: str, cells: list[Any]) -> pl.Series:
    plain = [
        sorted(cell, key=str)
        if isinstance(cell, (set, frozenset))
        else cell.item()
        if isinstance(cell, np.generic)
        else cell
        for cell in cells
    ]
    return pl.Series(name, plain, strict=False)
