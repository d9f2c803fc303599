"""Pictures as standalone SVG, in the colours of the report and for light and dark paper."""

from html import escape
from pathlib import Path

from thalweg._core import files

# As in the report's style sheet: by what they stand for, on light and on dark paper.
_COLOURS = {
    "paper": ("#fbfaf8", "#15191c"),
    "card": ("#ffffff", "#1c2125"),
    "ink": ("#1c2328", "#e9e7e2"),
    "muted": ("#59656d", "#a0abb2"),
    "rule": ("#e4e1da", "#30373d"),
    "first": ("#1d6f9e", "#69b5e0"),
    "second": ("#b9662a", "#e39d5b"),
    "third": ("#6d7f52", "#a9bf86"),
    "fourth": ("#b23a30", "#ee8478"),
    "fifth": ("#7a5aa0", "#b79be0"),
    "sixth": ("#00796b", "#5fc4b5"),
    "seventh": ("#8a6d1f", "#d9be6a"),
    "eighth": ("#59656d", "#a0abb2"),
}
SERIES = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth")
"""Colours that tell curves apart."""
# A character of 12 pixels of the usual sans-serif is about this wide.
CHARACTER = 6.6


class Drawing:
    """A picture that grows shape by shape; lengths are pixels, y grows downwards.

    Args:
        width: Of the picture.
        height: Of the picture.
        title: What screen readers say.

    Example:
        >>> drawing = Drawing(40, 20, "a line")
        >>> drawing.path([(0, 10), (40, 10)], colour="first")
        >>> drawing.to_text().count("<path")
        1
    """

    def __init__(self, width: float, height: float, title: str) -> None:
        self.width = width
        self.height = height
        self.title = title
        self._shapes: list[str] = []

    def text(
        self,
        x: float,
        y: float,
        content: str,
        *,
        colour: str = "ink",
        size: float = 12,
        anchor: str = "start",
        bold: bool = False,
        halo: bool = False,
    ) -> None:
        """Write a line of text whose foot is at `y`; `anchor` is "start", "middle" or "end".

        With a halo, lines beneath it do not run through it.
        """
        weight = ' font-weight="600"' if bold else ""
        if halo:
            weight += ' stroke="var(--paper)" stroke-width="4" paint-order="stroke"'
        self._shapes.append(
            f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size:g}" text-anchor="{anchor}"'
            f'{weight} fill="var(--{colour})">{escape(content)}</text>'
        )

    def path(
        self,
        points: list[tuple[float, float]],
        *,
        colour: str = "rule",
        width: float = 1.0,
        curved: bool = False,
        dashed: bool = False,
        hint: str = "",
    ) -> None:
        """Draw a line through points; curved, it leaves and reaches each of them vertically."""
        start, *rest = points
        steps = [f"M{start[0]:.1f} {start[1]:.1f}"]
        for x, y in rest:
            middle = (start[1] + y) / 2
            bend = f"C{start[0]:.1f} {middle:.1f} {x:.1f} {middle:.1f} " if curved else "L"
            steps.append(f"{bend}{x:.1f} {y:.1f}")
            start = (x, y)
        dashes = ' stroke-dasharray="3 3"' if dashed else ""
        self._shapes.append(
            f'<path d="{"".join(steps)}" fill="none" stroke="var(--{colour})" '
            f'stroke-width="{width:.2f}" stroke-linejoin="round"{dashes}>{_hint(hint)}</path>'
        )

    def box(
        self,
        x: float,
        y: float,
        width: float,
        height: float,
        *,
        fill: str = "card",
        edge: str = "rule",
        hint: str = "",
    ) -> None:
        """Draw a rectangle with round corners; the hint shows under the pointer."""
        self._shapes.append(
            f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" rx="5" '
            f'fill="var(--{fill})" stroke="var(--{edge})">{_hint(hint)}</rect>'
        )

    def dot(self, x: float, y: float, *, colour: str, radius: float = 3, hint: str = "") -> None:
        """Draw a filled circle; the hint shows under the pointer."""
        self._shapes.append(
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:g}" fill="var(--{colour})">'
            f"{_hint(hint)}</circle>"
        )

    def to_text(self) -> str:
        """Return the file's content."""
        light, dark = (
            "".join(f"--{name}:{pair[theme]};" for name, pair in _COLOURS.items())
            for theme in (0, 1)
        )
        style = f":root{{{light}}}@media(prefers-color-scheme:dark){{:root{{{dark}}}}}"
        size = f'width="{self.width:.0f}" height="{self.height:.0f}"'
        view = f'viewBox="0 0 {self.width:.0f} {self.height:.0f}"'
        return "\n".join(
            [
                f'<svg xmlns="http://www.w3.org/2000/svg" {size} {view} role="img" '
                'font-family="system-ui, sans-serif">',
                f"<title>{escape(self.title)}</title><style>{style}</style>",
                '<rect width="100%" height="100%" fill="var(--paper)"/>',
                *self._shapes,
                "</svg>\n",
            ]
        )

    def save(self, path: str | Path) -> Path:
        """Write the picture to a file and return where it is.

        Raises:
            RunError: The file cannot be written, or there is one of another kind.
        """
        path = Path(path)
        files.spare(path, "<svg ")
        files.write_atomically(path, self.to_text())
        return path


def _hint(text: str) -> str:
    return f"<title>{escape(text)}</title>" if text else ""
