"""Decisions as a person sees them before the first step."""

from rich.console import Console
from rich.table import Table
from rich.text import Text

from thalweg._core import formats
from thalweg._core.choices import Choice


def print_choices(choices: list[Choice]) -> None:
    """Print what was decided without being asked, and why; to standard error."""
    table = Table(box=None, show_header=False, pad_edge=False)
    for choice in choices:
        value = formats.figure(choice.value) if isinstance(choice.value, float) else choice.value
        table.add_row(
            Text(formats.plain(choice.setting), style="bold"),
            Text(formats.plain(value, longest=40)),
            Text(formats.plain(choice.reason, longest=300), style="dim"),
        )
    Console(stderr=True, highlight=False).print(table)
