"""`thalweg report`: write a run's page again."""

from pathlib import Path
from typing import Annotated

import typer

from thalweg.cli._ending import attach_data
from thalweg.cli._options import RunFolder


def report(
    run: RunFolder,
    out: Annotated[
        Path | None,
        typer.Option(metavar="PATH", help="Where to; report.html in the run's folder by default."),
    ] = None,
) -> int:
    """Write the page of a run: one file of HTML that needs no network."""
    from thalweg import _api

    if out is not None and out.is_dir():
        out = out / "report.html"
    loaded = _api.Run.load(run)
    attach_data(loaded)
    print(loaded.report(out))
    return 0
