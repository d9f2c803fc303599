"""A box with lines of text in it, as wide as they need."""

from dataclasses import dataclass

from thalweg._core.svg import CHARACTER, Drawing

LINE = 16.0
# How much wider letters are than usual, at the most.
BOLD, PLAIN = 1.12, 1.02
LEAST_WIDTH = 44.0


@dataclass(frozen=True)
class LabelledBox:
    """The lines written in a box; lengths are pixels.

    Example:
        >>> box = LabelledBox([("Linear", "ink", 13.0, True)], padding=10.0)
        >>> box.width > len("Linear") * 6, box.height
        (True, 32.0)
    """

    lines: list[tuple[str, str, float, bool]]
    """Text, colour, size, and whether it is bold."""
    padding: float

    @property
    def width(self) -> float:
        """Of the widest line, with the padding."""
        lengths = [
            len(text) * CHARACTER * size / 12 * (BOLD if bold else PLAIN)
            for text, _, size, bold in self.lines
        ]
        return max(*lengths, LEAST_WIDTH) + 2 * self.padding

    @property
    def height(self) -> float:
        """Of all lines, with the padding."""
        return LINE * len(self.lines) + 2 * self.padding - 4

    def draw(
        self, drawing: Drawing, centre: float, top: float, *, fill: str, edge: str, hint: str
    ) -> None:
        """Draw the box and what is written in it.

        Args:
            drawing: Where it is drawn.
            centre: Horizontal, of the box.
            top: Of the box.
            fill: Colour within.
            edge: Colour around.
            hint: What is shown under the pointer.
        """
        left = centre - self.width / 2
        drawing.box(left, top, self.width, self.height, fill=fill, edge=edge, hint=hint)
        for row, (text, colour, size, bold) in enumerate(self.lines):
            foot = top + self.padding + LINE * row + 10
            drawing.text(centre, foot, text, colour=colour, size=size, anchor="middle", bold=bold)
