"""Rows of typed columns, and the encoder that turns them into features."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any, NoReturn, Self

import numpy as np
import polars as pl
import torch
from jaxtyping import Float, Shaped, UInt64
from torch import Tensor

from thalweg._core import formats
from thalweg._core.choices import Choice
from thalweg.data._inputs import Encoder, Inputs, encoders, row_names
from thalweg.data.tables._category_column import MOST_LEVELS, CategoryColumn
from thalweg.data.tables._cells import Reading, parse
from thalweg.data.tables._column import Column, DroppedColumn, quoted
from thalweg.data.tables._columns import column_from_json, fit_column
from thalweg.data.tables._files import read_table
from thalweg.data.tables._frames import as_frame, as_rows
from thalweg.data.tables._recognize import is_frame
from thalweg.errors import DataError, ShapeError

# With fewer numbers, unrelated rows lie close together by chance.
FEWEST_NUMBERS = 4
# The bits of a NaN, which no cell that is present has.
MISSING_WORD = np.uint64(0x7FF8_0000_0000_0000)


class TableInputs(Inputs):
    """Columns of cells, read but not yet encoded.

    Args:
        frame: Typed columns, missing cells null.
        readings: How each column was read, those too that are dropped.
        repairs: What was mended while reading.
    """

    def __init__(
        self,
        frame: pl.DataFrame,
        readings: Sequence[Reading],
        repairs: Sequence[Choice] = (),
    ) -> None:
        self.frame = frame
        self.readings = tuple(readings)
        self.repairs = tuple(repairs)

    def __len__(self) -> int:
        return self.frame.height

    def select(self, rows: np.ndarray) -> Self:
        return type(self)(self.frame[rows], self.readings, self.repairs)

    def fit(self) -> "tuple[Encoder, list[Choice]]":
        return TableEncoder.fit(self)

    def digests(self) -> list[bytes]:
        words = np.column_stack(list(self.columns()))
        return [blake2b(row.tobytes(), digest_size=16).digest() for row in words]

    def columns(self) -> Iterator[UInt64[np.ndarray, " examples"]]:
        return map(_words, self.frame)

    def signatures(self) -> Float[np.ndarray, "examples features"] | None:
        """Rows are near duplicates when names agree and no number differs by more than rounding."""
        numbers = [
            cells for cells in self.frame if cells.dtype == pl.Float64 and cells.is_not_null().any()
        ]
        if len(numbers) < FEWEST_NUMBERS:
            return None
        values = pl.DataFrame(numbers).to_numpy()
        spread = np.nan_to_num(np.nanstd(values, axis=0))
        values = np.nan_to_num(values[:, spread > 0] / spread[spread > 0])
        # Rounding to four digits moves a standardized number by at most 5e-4.
        values /= 5e-4 * np.sqrt(max(values.shape[1], 1))
        # Two apart, where one is already too far.
        names = [
            2.0 * cells.rank("dense").fill_null(0).to_numpy()
            for cells in self.frame
            if cells.dtype != pl.Float64
        ]
        absent = [2.0 * cells.is_null().to_numpy() for cells in numbers if cells.null_count()]
        return np.column_stack([values, *names, *absent])


@encoders.register("table", summary="columns of numbers, categories, booleans and dates")
class TableEncoder(Encoder):
    """Turns each column into features as it learned on the training part.

    Args:
        columns: Every column of the table, the dropped ones too.
    """

    kind = "table"

    def __init__(self, columns: Sequence[Column]) -> None:
        self.columns = tuple(columns)
        self.features = tuple(name for column in columns for name in column.features)
        self.shape = (len(self.features),)

    @classmethod
    def fit(cls, inputs: TableInputs) -> tuple[Self, list[Choice]]:
        """Learn every column from the training part."""
        columns = [
            DroppedColumn(reading.name, reading.reason)
            if reading.kind == "text"
            else fit_column(inputs.frame[reading.name], reading)
            for reading in inputs.readings
        ]
        encoder = cls(columns)
        if not encoder.features:
            refuse_empty({c.name: c.reason for c in columns if isinstance(c, DroppedColumn)})
        return encoder, _choices(encoder)

    @property
    def kept(self) -> list[Column]:
        """The columns that became features."""
        return [column for column in self.columns if column.features]

    def encode(self, inputs: Inputs) -> Shaped[Tensor, "examples ..."]:
        assert isinstance(inputs, TableInputs)
        features = np.empty((len(inputs), *self.shape), dtype=np.float32)
        start = 0
        for column in self.kept:
            stop = start + len(column.features)
            with np.errstate(over="ignore"):
                features[:, start:stop] = column.encode(inputs.frame[column.name])
            if not np.isfinite(features[:, start]).all():
                raise DataError(
                    f"column {quoted([column.name])} holds numbers too large for float32 once "
                    "standardized. Correct them, or take their logarithm."
                )
            start = stop
        return torch.from_numpy(features)

    def normalize(self, stored: Shaped[Tensor, "batch ..."]) -> Float[Tensor, "batch ..."]:
        return stored

    def read(self, given: Any) -> tuple[Inputs, tuple[str, ...]]:
        if isinstance(given, (str, Path)):
            frame, repairs = read_table(Path(given))
        elif is_frame(given):
            frame, repairs = as_frame(given), []
        else:
            frame, repairs = self._from_rows(given)
        missing = [column.name for column in self.kept if column.name not in frame.columns]
        if missing:
            raise DataError(
                f"columns {quoted(missing)} are needed as in training, but the data have only "
                f"{quoted(frame.columns)}. Add them; empty cells are allowed."
            )
        known = [column.name for column in self.columns]
        if extra := [name for name in frame.columns if name not in known]:
            reason = f"{quoted(extra)}: no inputs in training, so they are left out"
            repairs.append(Choice("extra columns", extra, reason))
        readings = [column.reading for column in self.kept]
        parsed = [parse(frame[r.name], r) for r in readings]
        for column, cells in zip(self.kept, parsed, strict=True):
            repairs += _told(column, cells)
        return TableInputs(pl.DataFrame(parsed), readings, repairs), row_names(frame.height)

    def _from_rows(self, given: Any) -> tuple[pl.DataFrame, list[Choice]]:
        """Return rows without names as a table, their cells in the order of training."""
        every = [column.name for column in self.columns]
        kept = [column.name for column in self.kept]
        rows = as_rows(given)
        if rows is None:
            raise DataError(
                "the inputs must be a table as in training: a file, a data frame, a dictionary of "
                f"columns, or rows of {len(kept)} cells, got {type(given).__name__}."
            )
        for number, row in enumerate(rows):
            if len(row) != len(rows[0]) or len(row) not in (len(every), len(kept)):
                # The columns that training dropped may come along or stay away.
                widths = " or ".join(str(width) for width in sorted({len(kept), len(every)}))
                raise ShapeError(
                    f"rows without column names must have {widths} cells as in training "
                    f"({quoted(kept)}), got {len(row)} at row {number} (rows count from 0). "
                    "Pass a data frame to name them."
                )
        names = kept if rows and len(rows[0]) == len(kept) else every
        columns = {name: [row[place] for row in rows] for place, name in enumerate(names)}
        reason = "the inputs bear no names, so their columns are taken in the order of training"
        return as_frame(columns), [Choice("columns", names, reason)]

    def to_json(self) -> dict[str, Any]:
        return {"columns": [column.to_json() for column in self.columns]}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        return cls([column_from_json(column) for column in data["columns"]])

    def describe(self) -> list[dict[str, Any]]:
        return [column.describe() for column in self.columns]

    def values(self, stored: Shaped[Tensor, "..."]) -> dict[str, float | str]:
        features = stored.detach().cpu().double().numpy()
        cells, start = {}, 0
        for column in self.kept:
            stop = start + len(column.features)
            cells[column.name] = column.decode(features[start:stop])
            start = stop
        return cells


def refuse_empty(reasons: Mapping[str, str]) -> NoReturn:
    """Say why every column was dropped.

    Raises:
        DataError: Always.
    """
    listed = "; ".join(f"{name}: {reason}" for name, reason in reasons.items())
    raise DataError(
        f"no column is left to learn from ({formats.plain(listed, longest=300)}). "
        "Keep one with columns={'NAME': 'number'} or 'category'."
    )


def _choices(encoder: TableEncoder) -> list[Choice]:
    """Return what was decided about the columns, one choice per kind of decision."""
    kinds = Counter(column.kind for column in encoder.kept)
    choices = [
        Choice(
            "columns",
            ", ".join(f"{number} {kind}" for kind, number in kinds.items()),
            "what every cell of the column reads as; columns={'NAME': 'category'} overrides",
        )
    ]
    dropped: dict[str, list[str]] = {}
    for column in encoder.columns:
        if isinstance(column, DroppedColumn):
            dropped.setdefault(column.reason, []).append(column.name)
    choices += [Choice("dropped columns", names, reason) for reason, names in dropped.items()]
    described = [column.describe() for column in encoder.kept]
    incomplete = {row["name"]: row["missing"] for row in described if row["missing"]}
    if incomplete:
        reason = "numbers are filled with the training median; a feature of its own marks them"
        choices.append(Choice("missing values", incomplete, reason))
    rare = {row["name"]: row["others"] for row in described if row.get("others")}
    if rare:
        reason = (
            f"only the {MOST_LEVELS} most frequent levels become features; these rows have rarer"
        )
        choices.append(Choice("rare levels", rare, reason))
    reason = (
        "numbers to mean 0 and variance 1, with the moments of the training part; "
        "one feature per level of a category"
    )
    return [*choices, Choice("preprocessing", "standardize", reason)]


def _told(column: Column, cells: pl.Series) -> Iterator[Choice]:
    """Yield what an encoder makes of cells that it did not meet in training."""
    name, missing = quoted([column.name]), cells.null_count()
    if missing and f"{column.name} is missing" not in column.features:
        reason = f"column {name} lacks {formats.count(missing)} cells, and lacked none in training"
        yield Choice("missing cells", "filled", reason)
    if isinstance(column, CategoryColumn):
        unknown = cells.filter(~cells.is_in(column.levels)).drop_nulls()
        if len(unknown):
            met = quoted(unknown.unique(maintain_order=True).to_list())
            reason = f"column {name} has no level for {met} ({formats.count(len(unknown))} rows)"
            yield Choice("unseen category", "other", reason)


def _words(cells: pl.Series) -> UInt64[np.ndarray, " examples"]:
    """Return 64 bits per cell; equal cells have equal bits, on every machine."""
    if cells.dtype == pl.Float64:
        # Adding zero makes -0.0 and 0.0 one.
        words = (cells.fill_null(0).to_numpy() + 0.0).view(np.uint64)
    elif cells.dtype == pl.Datetime:
        words = cells.dt.timestamp("us").fill_null(0).to_numpy().view(np.uint64)
    else:
        distinct = cells.unique().drop_nulls().cast(pl.String)
        digests = [blake2b(text.encode(), digest_size=8).digest() for text in distinct]
        numbers = pl.Series([int.from_bytes(digest) for digest in digests], dtype=pl.UInt64)
        names = cells.cast(pl.String)
        words = names.replace_strict(
            distinct, numbers, default=0, return_dtype=pl.UInt64
        ).to_numpy()
    return np.where(cells.is_null().to_numpy(), MISSING_WORD, words)
