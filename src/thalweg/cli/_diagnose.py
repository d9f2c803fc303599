"""`thalweg diagnose`: why a run, or anybody's training script, does not learn."""

from pathlib import Path
from typing import Annotated

import typer

from thalweg.cli._options import Json
from thalweg.cli._output import print_json
from thalweg.errors import SettingError


def diagnose(
    subject: Annotated[str, typer.Argument(help="A run's folder, or a training script in Python.")],
    arguments: Annotated[
        list[str] | None, typer.Argument(help="Of the script.", show_default=False)
    ] = None,
    json: Json = False,
) -> int:
    """Say what is wrong with a run, or run a script unchanged under the watch and say it then."""
    from thalweg import _api

    path = Path(subject)
    if path.is_dir():
        if arguments:
            raise SettingError(f"diagnose of a run takes no further words, got {arguments[0]!r}.")
        found = _api.Run.peek(path).diagnosis
    else:
        found = _api.diagnose_script(path, arguments or [])
    if json:
        print_json(found.to_json())
    else:
        print(found)
    return 0
