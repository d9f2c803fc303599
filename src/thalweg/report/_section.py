"""A section of the page: a heading, a sentence in plain words, and what is shown beneath."""

from dataclasses import dataclass, field
from typing import Any

from bokeh.models import UIElement


@dataclass(frozen=True)
class Section:
    """One section, drawn by the template `sections/<name>.html`."""

    name: str
    title: str
    sentence: str
    """What it shows, and what this run shows."""
    body: dict[str, Any] = field(default_factory=dict)
    """What the template needs; without it there is the sentence alone."""
    charts: dict[str, UIElement] = field(default_factory=dict)
    """By the id of the element that each is drawn into."""
