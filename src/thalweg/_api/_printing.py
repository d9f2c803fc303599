"""Decisions as a person sees them before the first step."""

import sys

from thalweg._core import formats
from thalweg._core.choices import Choice

# Columns of output that no terminal shows: nothing is folded.
UNLIMITED = 100_000


def print_choices(choices: list[Choice]) -> None:
    """Print what was decided without being asked, and why; to standard error."""
    from rich.console import Console  # Late: who shows no progress need not wait for it.
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, show_header=False, pad_edge=False)
    for _ in range(3):
        table.add_column(overflow="fold")  # a narrow terminal folds names instead of cutting them
    for choice in choices:
        table.add_row(
            Text(formats.plain(choice.setting), style="bold"),
            Text(formats.plain(formats.setting(choice.value), longest=40)),
            Text(formats.plain(choice.reason, longest=300), style="dim"),
        )
    console = Console(stderr=True, highlight=False)
    if not console.is_terminal:
        # A file of output has a line per decision, however long.
        console = Console(stderr=True, highlight=False, width=UNLIMITED)
    with console.capture() as drawn:
        console.print(table)
    # rich fills the last column with spaces, which a file has no use for.
    print("\n".join(line.rstrip() for line in drawn.get().splitlines()), file=sys.stderr)


def print_wait(why: str) -> None:
    """Print what one waits for before training begins; to standard error."""
    print(f"{why} …", file=sys.stderr, flush=True)
