"""Any data frame, and plain rows or columns of Python, as one kind of frame."""

from typing import Any

import narwhals as nw
import numpy as np
import polars as pl
from torch import Tensor

from thalweg._core import formats
from thalweg.data.tables._recognize import is_rows
from thalweg.errors import DataError


def as_frame(data: Any) -> pl.DataFrame:
    """Return a data frame, a dictionary of columns (or of one row's cells), or a list of rows.

    Raises:
        DataError: Column names repeat, or columns differ in length.
    """
    if is_rows(data):
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
        reason = " ".join(str(error).split())
        raise DataError(
            f"column names must differ: {formats.plain(reason)}. Rename or drop the others."
        ) from None


def as_series(data: Any) -> pl.Series | None:
    """Return a column of any data frame, as `as_frame` reads it; None for anything else."""
    if isinstance(data, pl.Series):
        return data
    column = nw.from_native(data, series_only=True, pass_through=True)
    return _as_series(str(column.name), column) if isinstance(column, nw.Series) else None


def as_rows(data: Any) -> list[list[Any]] | None:
    """Return the cells of an array or of lists row by row, a single row as the only one.

    None where the data are neither.

    Example:
        >>> as_rows([1.0, "a"]), as_rows([(1.0, "a"), (2.0, "b")])
        ([[1.0, 'a']], [[1.0, 'a'], [2.0, 'b']])
    """
    rows = data.tolist() if isinstance(data, (np.ndarray, Tensor)) else data
    if not isinstance(rows, (list, tuple)):
        return None
    nested = (list, tuple, np.ndarray, Tensor)
    if not all(isinstance(row, nested) for row in rows):
        return [list(rows)]
    return [row.tolist() if isinstance(row, (np.ndarray, Tensor)) else list(row) for row in rows]


def _from_columns(columns: dict[Any, Any]) -> pl.DataFrame:
    cells = {
        str(name): [cell] if _is_single(cell) else list(cell) for name, cell in columns.items()
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
    if not isinstance(dtype, (nw.Categorical, nw.Enum)):
        return series
    if series.dtype == pl.Object:  # intervals, as binning gives them
        series = pl.Series(name, [None if cell is None else str(cell) for cell in series])
    return series.cast(pl.String).cast(pl.Categorical)


def _is_single(cell: Any) -> bool:
    """Return whether a column is given by its only cell."""
    try:
        return isinstance(cell, str) or np.ndim(cell) == 0
    except ValueError:  # lists of unequal lengths
        return False


def _from_cells(name: str, cells: list[Any]) -> pl.Series:
    plain = [
        sorted(cell, key=str)
        if isinstance(cell, (set, frozenset))
        else cell.item()
        if isinstance(cell, np.generic)
        else cell
        for cell in cells
    ]
    try:
        return pl.Series(name, plain, strict=False)
    except (UnicodeEncodeError, OverflowError, pl.exceptions.PolarsError) as error:
        reason = str(error).splitlines()[0]
        raise DataError(
            f"column {formats.plain(repr(name))} cannot be read: {formats.plain(reason)}. Make "
            "its cells text, numbers or dates."
        ) from None
