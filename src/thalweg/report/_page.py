"""A run's page: gathered, rendered, written in one piece."""

import base64
import hashlib
from datetime import datetime
from pathlib import Path

import jinja2
from bokeh.models import UIElement
from markupsafe import Markup

from thalweg._core import files, formats
from thalweg.report import _charts
from thalweg.report._evidence import gather
from thalweg.report._headline import headline
from thalweg.report.sections import compose
from thalweg.train import Run

# Of every page, this one or one of the past.
BEGINNING = "<!doctype html>"


def write_page(run: Run, path: Path) -> Path:
    """Write the page of a run: one file of HTML that opens anywhere and asks nobody for anything.

    It speaks of the test part if `run.score("test")` was called, else of the validation part.

    Args:
        run: Any run, however it ended.
        path: The file to write.

    Returns:
        Where it was written.

    Raises:
        RunError: It could not be written, or a file of another kind is there.
    """
    if run.folder is None or path != run.folder / "report.html":
        files.spare(path, BEGINNING)
    with files.explained(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    files.write_atomically(path, render(run))
    return path


def render(run: Run) -> str:
    """Return the page of a run as HTML."""
    evidence = gather(run)
    sections = compose(run, evidence)
    charts: dict[str, UIElement] = {}
    for section in sections:
        charts |= section.charts
    library, script = _charts.library(), _own("page.js")
    return (
        _environment()
        .get_template("page.html")
        .render(
            top=headline(run, evidence),
            sections=sections,
            charts=Markup(_charts.to_json(charts)),
            library=Markup(library),
            script=Markup(script),
            style=Markup(_own("page.css")),
            # Only these two scripts may run, whatever else may have slipped into the page.
            allowed=f"{_checksum(library)} {_checksum(script)}",
            written=f"{datetime.now():%Y-%m-%d %H:%M}",
        )
    )


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("thalweg.report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"count": formats.count, "percent": formats.percent}
    return environment


def _own(name: str) -> str:
    return (Path(__file__).parent / "templates" / name).read_text(encoding="utf-8")


def _checksum(script: str) -> str:
    """Return a script's checksum as a content security policy names it."""
    digest = hashlib.sha256(script.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"
