"""`thalweg compare`: runs side by side."""

from pathlib import Path
from typing import Annotated

import typer

from thalweg.cli._options import Json
from thalweg.cli._output import print_json, print_table, show_metric


def compare(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN", help="Folders of runs.")],
    json: Json = False,
) -> int:
    """Show where the settings of runs differ, and how each scored."""
    from thalweg import _api

    compared = _api.compare(*runs)
    if json:
        print_json(compared.to_json())
        return 0
    columns = range(1, len(compared.names) + 1)
    settings = [(name, *values) for name, values in compared.settings.items()]
    if settings:
        print_table(settings, headings=("setting", *compared.names), right=columns)
    else:
        print("The settings do not differ.")
    print()
    scores = [
        (name, *(show_metric(name, value) for value in values))
        for name, values in compared.scores.items()
    ]
    if scores:
        print_table(scores, headings=("score", *compared.names), right=columns)
    else:
        print("None of them has a score yet.")
    return 0
