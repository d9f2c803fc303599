"""Tables as plain text: columns as wide as what they hold."""

from collections.abc import Sequence


def text_table(headings: Sequence[str], rows: Sequence[Sequence[str]], right: str = "") -> str:
    """Return lines of columns two spaces apart, the headings above.

    Args:
        headings: One per column.
        rows: Cells as they are to be seen.
        right: "r" at the place of each column that ends at its right edge, as numbers do.

    Example:
        >>> print(text_table(["layer", "weights"], [["first", "40"], ["last", "8"]], right=" r"))
        layer  weights
        first       40
        last         8
    """
    lines = [headings, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(headings))]
    is_right = [column < len(right) and right[column] == "r" for column in range(len(headings))]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if to_right else cell.ljust(width)
            for cell, width, to_right in zip(line, widths, is_right, strict=True)
        ).rstrip()
        for line in lines
    )
