"""Tables as sources: files with columns, and data frames.

What reads them is imported when the first one is read, since polars takes a tenth of a second
that whoever loads pictures or arrays need not wait for.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from thalweg.data._inputs import encoders
from thalweg.data._source import Raw, Source, sources
from thalweg.data.tables._recognize import is_frame, is_table

encoders.promise("table", "thalweg.data.tables._table_encoder")


def _read_file(
    data: str | Path,
    target: Any,
    *,
    drop: str | Sequence[str] = (),
    group: str | None = None,
    time: str | None = None,
    parts: str | None = None,
    columns: Mapping[str, str] | None = None,
    delimiter: str | None = None,
) -> Raw:
    from thalweg.data.tables._files import read_table
    from thalweg.data.tables._tables import frame_raw

    frame, choices = read_table(Path(data), delimiter)
    raw = frame_raw(frame, target, drop=drop, group=group, time=time, parts=parts, columns=columns)
    raw.choices = [*choices, *raw.choices]
    return raw


def _read_frame(
    data: Any,
    target: Any,
    *,
    drop: str | Sequence[str] = (),
    group: str | None = None,
    time: str | None = None,
    parts: Any = None,
    columns: Mapping[str, str] | None = None,
) -> Raw:
    from thalweg.data.tables._frames import as_frame
    from thalweg.data.tables._tables import frame_raw

    frame = as_frame(data)
    return frame_raw(frame, target, drop=drop, group=group, time=time, parts=parts, columns=columns)


sources.register("table files", summary=".csv, .tsv or .parquet files, with target=COLUMN")(
    Source(is_table, _read_file)
)
sources.register("frames", summary="any data frame, with the target column's name")(
    Source(is_frame, _read_frame)
)
