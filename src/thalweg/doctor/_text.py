"""Text in lines that fit the terminal."""

import shutil
import textwrap
from typing import TYPE_CHECKING, Any

from thalweg._core import formats

if TYPE_CHECKING:
    from rich.text import Text

WIDEST = 100
# Columns of the labels: "explains" and two spaces to either side.
INDENT = 12


def in_colour(text: str) -> "Text":
    """Return a diagnosis with the head of each finding set off."""
    from rich.text import Text

    found = Text(text)
    found.highlight_regex(r"(?m)^error: .*$", "bold red")
    found.highlight_regex(r"(?m)^warning: .*$", "bold yellow")
    found.highlight_regex(r"(?m)^  (fault|seen|remedy|explains)  ", "dim")
    found.highlight_regex(r"(?ms)^not checked.*\Z", "dim")
    return found


def labelled(label: str, content: str) -> str:
    """Return a paragraph beside its label."""
    return folded(content, " " * INDENT, f"  {label}".ljust(INDENT))


def folded(content: str, indent: str, first: str | None = None) -> str:
    """Return a paragraph in lines no longer than the terminal's, code and numbers unbroken."""
    columns = min(WIDEST, shutil.get_terminal_size((WIDEST, 24)).columns)
    return textwrap.fill(
        content,
        max(columns, 2 * INDENT),
        initial_indent=indent if first is None else first,
        subsequent_indent=indent or "  ",
        break_long_words=False,
        break_on_hyphens=False,
    )


def shown(value: Any) -> str:
    """Return a piece of evidence, a number or a short series."""
    if isinstance(value, (list, tuple)):
        return ", ".join(formats.plain(formats.setting(each), longest=60) for each in value)
    return formats.plain(formats.setting(value), longest=200)
