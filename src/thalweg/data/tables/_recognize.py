"""What is a table, told without reading it."""

from pathlib import Path
from typing import Any

TEXT = (".csv", ".tsv", ".txt", ".csv.gz", ".tsv.gz", ".txt.gz")
PARQUET = (".parquet",)


def is_table(data: object) -> bool:
    """Return True for a path that ends as files with columns do.

    Example:
        >>> is_table("flowers.csv.gz"), is_table("flowers/")
        (True, False)
    """
    return isinstance(data, (str, Path)) and str(data).lower().endswith(TEXT + PARQUET)


def is_frame(data: Any) -> bool:
    """Return True for a data frame of any library, a dictionary of columns, a list of rows."""
    if isinstance(data, dict) or is_rows(data):
        return True
    import narwhals as nw  # Late: it takes a thirtieth of a second.

    try:
        found = nw.from_native(data, pass_through=True)
    except nw.exceptions.DuplicateError:
        return True  # and refused by `as_frame`, with the column's name
    return isinstance(found, (nw.DataFrame, nw.LazyFrame))


def is_rows(data: Any) -> bool:
    """Return True for a list of dictionaries, each the cells of a row by column."""
    return isinstance(data, list) and bool(data) and all(isinstance(row, dict) for row in data)
