"""Arguments that several commands share."""

from pathlib import Path
from typing import Annotated, Any

import typer

from thalweg.cli._values import parse_names

RunFolder = Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a run.")]
Source = Annotated[
    str | None, typer.Argument(metavar="SOURCE", help="A builtin data set, a file or a folder.")
]
Target = Annotated[
    Any,
    typer.Option(
        metavar="COLUMN", help="What to predict, in a table; several as a,b.", parser=parse_names
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON, and nothing else.")]
Quiet = Annotated[
    bool, typer.Option("--quiet", "--no-progress", help="Show neither choices nor progress.")
]
NoReport = Annotated[bool, typer.Option("--no-report", help="Write no report.html.")]
