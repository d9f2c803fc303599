"""The layers as a table: in text, and as plain data."""

from collections.abc import Sequence
from typing import Any

from thalweg._anatomy._layer import Layer
from thalweg._core import formats

HEADINGS = ("name", "kind", "output shape", "parameters", "MACs", "memory", "field")
# A name is shortened from its beginning, which many layers share.
LONGEST_NAME = 28
LONGEST_KIND = 18


def cells(layer: Layer) -> tuple[str, ...]:
    """Return what is shown of a layer, one text per heading."""
    shape = layer.output_shape
    return (
        _ending(formats.plain(layer.name) or "(itself)"),
        formats.plain(layer.kind, longest=LONGEST_KIND),
        "not used" if shape is None else times(shape),
        formats.count(layer.parameters) if layer.parameters else "–",
        "unknown" if layer.macs is None else formats.count(layer.macs) if layer.macs else "–",
        formats.size(layer.activation_bytes) if layer.activation_bytes else "–",
        "–" if layer.receptive_field is None else str(layer.receptive_field),
    )


def times(shape: Sequence[int]) -> str:
    """Return a shape as people write it.

    Example:
        >>> times((3, 224, 224)), times(())
        ('3×224×224', '1')
    """
    return "×".join(map(str, shape)) or "1"


def drawn(rows: Sequence[Sequence[str]], first_right: int = 3) -> str:
    """Return rows of text under the headings, the numbers aligned at the right."""
    table = [HEADINGS, *rows]
    widths = [max(len(row[at]) for row in table) for at in range(len(HEADINGS))]
    lines = [
        "  ".join(
            cell.rjust(width) if at >= first_right else cell.ljust(width)
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in table
    ]
    return "\n".join(lines)


def as_data(layer: Layer) -> dict[str, Any]:
    """Return a layer as plain data."""
    field = layer.receptive_field
    return {
        "name": layer.name,
        "kind": layer.kind,
        "output_shape": None if layer.output_shape is None else list(layer.output_shape),
        "parameters": layer.parameters,
        "macs": layer.macs,
        "flops": layer.flops,
        "activation_bytes": layer.activation_bytes,
        "receptive_field": None if field is None else field.to_json(),
        "not_priced": list(layer.not_priced),
    }


def _ending(name: str) -> str:
    return name if len(name) <= LONGEST_NAME else f"…{name[1 - LONGEST_NAME :]}"
