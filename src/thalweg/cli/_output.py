"""Results on standard output: tables for people, JSON for programs."""

import json
import math
from collections.abc import Iterable, Sequence
from typing import Any

from thalweg._core import formats

# Columns of output that is read by a program or kept in a file: nothing is ever cut or folded.
UNLIMITED = 100_000


def print_json(value: Any) -> None:
    """Print plain data as JSON. A number that is not finite becomes null, as JSON has none."""
    print(json.dumps(_finite(value), indent=2, ensure_ascii=False, allow_nan=False, default=str))


def print_rich(value: Any) -> None:
    """Print what draws itself in colour on a terminal, and is plain text elsewhere."""
    import sys

    if sys.stdout.isatty():
        from rich.console import Console

        Console(highlight=False, soft_wrap=True).print(value)
    else:
        print(value)


def print_table(
    rows: Iterable[Sequence[object]], headings: Sequence[str] = (), right: Sequence[int] = ()
) -> None:
    """Print rows in aligned columns.

    Args:
        rows: Cells of any plain kind; None shows as a dash.
        headings: Of the columns; none by default.
        right: Columns to align at the right.
    """
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    lines = [[Text(show(cell)) for cell in row] for row in rows]
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="")
    table.show_header = bool(headings)
    for index in range(max(map(len, [*lines, headings]), default=0)):
        name = headings[index] if index < len(headings) else ""
        justify = "right" if index in right else "left"
        table.add_column(Text(show(name), style="dim"), justify=justify, overflow="fold")
    for line in lines:
        table.add_row(*line)
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=UNLIMITED)
    with console.capture() as drawn:
        console.print(table)
    # rich fills the last column with spaces, which a file has no use for.
    print("\n".join(line.rstrip() for line in drawn.get().splitlines()))


def show(value: object) -> str:
    """Return a plain value as a person reads it in a cell.

    Example:
        >>> [show(value) for value in (None, True, 0.98148, [64, 32], "text")]
        ['–', 'yes', '0.9815', '64, 32', 'text']
    """
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return formats.figure(value)
    if isinstance(value, (list, tuple)):
        return ", ".join(map(show, value))
    if isinstance(value, dict):
        return ", ".join(f"{formats.plain(name)} {show(each)}" for name, each in value.items())
    return formats.plain(value, longest=300)


def show_metric(name: str, value: float | None) -> str:
    """Return a metric as a person reads it: shares of examples as per cent.

    Example:
        >>> show_metric("accuracy", 0.98148), show_metric("loss", 0.061234)
        ('98.15 %', '0.06123')
    """
    if value is not None and "accuracy" in name:
        return formats.percent(value)
    return show(value)


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(name): _finite(each) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
