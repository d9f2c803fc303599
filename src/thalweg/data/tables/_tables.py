"""Tables: files with columns, and data frames."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl

from thalweg._core import formats
from thalweg._core.choices import Choice
from thalweg._core.registry import did_you_mean
from thalweg.data._inputs import row_names
from thalweg.data._parts import parts_of
from thalweg.data._source import Raw
from thalweg.data._target_values import as_targets
from thalweg.data.tables._cells import COLUMN_KINDS, Reading, infer, names_rows, parse, tokens
from thalweg.data.tables._column import check_width, quoted
from thalweg.data.tables._frames import as_series
from thalweg.data.tables._table_encoder import TableInputs, refuse_empty
from thalweg.errors import DataError, SettingError


def frame_raw(
    frame: pl.DataFrame,
    target: Any,
    *,
    drop: str | Sequence[str] = (),
    group: str | None = None,
    time: str | None = None,
    parts: Any = None,
    columns: Mapping[str, str] | None = None,
) -> Raw:
    """Return a frame's examples: every column but the target, those dropped, group and time.

    Args:
        frame: One row per example.
        target: The name of a column, several names, or an array beside the frame.
        drop: Columns to ignore.
        group: The column that says which examples belong together.
        time: The column to sort by for a split by time.
        parts: The column that says what trains, validates and tests, or an array beside the frame.
        columns: Kinds of columns that are not to be inferred: "number", "category", "boolean"
            or "date".

    Raises:
        DataError: A column is absent, or its cells cannot be used.
        SettingError: A kind of column that does not exist.
    """
    drop = [drop] if isinstance(drop, str) else list(drop)
    columns = dict(columns or {})
    for kind in columns.values():
        if kind not in COLUMN_KINDS:
            raise SettingError(f"a column is one of {', '.join(COLUMN_KINDS)}, got {kind!r}.")
    check_width(frame.width)
    if frame.height == 0:
        raise DataError("the table must have rows, got none. Check how it was written.")
    choices = []
    if (repeated := repeated_column(frame, target)) is not None:
        target = repeated
        choices.append(Choice("dropped columns", [repeated], "the target itself, given beside"))
    targets, target_names = read_targets(frame, target, columns)
    apart = [name for name in (group, time, parts) if isinstance(name, str)]
    for name in (*drop, *apart, *columns):
        check_column(frame, name)
    names = [n for n in frame.columns if n not in {*target_names, *drop, *apart}]
    if not names:
        raise DataError("the table must have a column besides the target, got none.")
    readings, kept = _read_columns(frame.select(names), columns)
    read_as_missing = sorted({text for c in kept for text in tokens(frame[c.name], c)})
    if read_as_missing:
        choices.append(
            Choice("missing cells", read_as_missing, "read as missing, as an empty cell")
        )
    return Raw(
        inputs=TableInputs(pl.DataFrame(kept), readings),
        targets=targets,
        names=row_names(frame.height),
        target_names=target_names or ("target",),
        parts=parts_of(
            _as_objects(frame[parts]) if isinstance(parts, str) else parts, frame.height
        ),
        groups=None if group is None else _as_objects(frame[group]),
        times=None if time is None else _typed(frame[time]).to_numpy(),
        choices=choices,
    )


def _read_columns(
    frame: pl.DataFrame, columns: Mapping[str, str]
) -> tuple[list[Reading], list[pl.Series]]:
    """Return how each column is read, and the typed cells of those that are kept."""
    readings, kept = [], []
    for position, cells in enumerate(frame):
        if cells.name in columns:
            reading = Reading(cells.name, columns[cells.name])  # type: ignore[arg-type]
        else:
            reading = infer(cells)
        if reading.kind != "text":
            typed = parse(cells, reading)
            is_first = position == 0 and frame.width > 1
            reason = None if cells.name in columns else names_rows(typed, is_first=is_first)
            if reason is None:
                kept.append(typed)
            else:
                reading = Reading(cells.name, "text", reason=reason)
        readings.append(reading)
    if not kept:
        refuse_empty({reading.name: reading.reason for reading in readings})
    return readings, kept


def read_targets(
    frame: pl.DataFrame, target: Any, columns: Mapping[str, str]
) -> tuple[np.ndarray, tuple[str, ...]]:
    """Return the targets, and the names of their columns; none for an array beside.

    Raises:
        DataError: No target is named, it is absent, or its cells cannot be used.
    """
    if target is None or (isinstance(target, (list, tuple)) and not target):
        raise DataError(
            "a target is needed: --target COLUMN or target=. "
            f"The columns are {quoted(frame.columns)}; "
            f"the last one is {quoted(frame.columns[-1:])}.{_only_one(frame)}"
        )
    if isinstance(target, int):
        target = _at_position(frame, target)
    names = [target] if isinstance(target, str) else target
    is_names = isinstance(names, (list, tuple)) and all(isinstance(n, str) for n in names)
    # A list as long as the table holds labels, unless they all are names of columns.
    if isinstance(target, (list, tuple)) and len(target) == frame.height:
        is_names = is_names and set(names) <= set(frame.columns)
    if not is_names:
        return as_targets(target, frame.height), ()
    for name in names:
        check_column(frame, name, "target")
    if len(names) == 1:
        return _as_target(frame[names[0]], columns.get(names[0])), tuple(names)
    typed = [_typed(frame[name], columns.get(name)) for name in names]
    for cells in typed:
        if cells.dtype not in (pl.Float64, pl.Boolean):
            raise DataError(
                "several targets must be numbers or booleans, but column "
                f"{quoted([cells.name])} holds {cells.dtype}. Name one target, or others."
            )
    return np.column_stack([c.cast(pl.Float64).to_numpy() for c in typed]), tuple(names)


def repeated_column(frame: pl.DataFrame, target: Any) -> str | None:
    """Return the column that targets beside the frame repeat, under its name and to the cell."""
    name = getattr(target, "name", None)
    if not isinstance(name, str) or name not in frame.columns:
        return None
    cells = as_series(target)
    return name if cells is not None and cells.equals(frame[name]) else None


def _at_position(frame: pl.DataFrame, target: int) -> str:
    """Return the column whose name is a number, as frames made from arrays have it.

    Raises:
        DataError: It was meant as a position.
    """
    if str(target) in frame.columns:
        return str(target)
    there = -frame.width <= target < frame.width
    hint = f"there it is {quoted([frame.columns[target]])}" if there else "there is none there"
    raise DataError(f"the target is named, not counted, got position {target}; {hint}.")


def _as_target(cells: pl.Series, kind: str | None) -> np.ndarray:
    is_text = cells.dtype == pl.String
    if kind is None and is_text and infer(cells).kind == "boolean":
        kind = "category"  # whose classes are called "yes" and "no", as the user does
    cells = _typed(cells, kind)
    if cells.dtype == pl.Datetime:
        raise DataError(
            f"target {quoted([cells.name])} holds dates. Turn them into numbers, such as days."
        )
    if cells.dtype == pl.Float64 or (cells.dtype == pl.Boolean and not cells.null_count()):
        return cells.to_numpy()
    return _as_objects(cells)


def _as_objects(cells: pl.Series) -> np.ndarray:
    return np.fromiter(cells.to_list(), dtype=object, count=len(cells))


def _typed(cells: pl.Series, kind: str | None = None) -> pl.Series:
    reading = Reading(cells.name, kind) if kind else infer(cells)  # type: ignore[arg-type]
    return cells if reading.kind == "text" else parse(cells, reading)


def check_column(frame: pl.DataFrame, name: str, noun: str = "column") -> None:
    """Refuse a column that is not there.

    Raises:
        DataError: With the nearest name.
    """
    if name not in frame.columns:
        hint = formats.plain(did_you_mean(name, frame.columns), longest=300)
        hint += _only_one(frame)
        raise DataError(f"there is no {noun} {formats.plain(repr(name))} in the table. {hint}")


def _only_one(frame: pl.DataFrame) -> str:
    """Return what to say besides where a table has one column alone."""
    if frame.width > 1:
        return ""
    return " If that is several columns, name what parts them with delimiter=."
