"""`thalweg diagnose`: why a run, or anybody's training script, does not learn."""

import sys
from contextlib import nullcontext, redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from thalweg._core import formats
from thalweg.cli._failures import say
from thalweg.cli._options import Json
from thalweg.cli._output import print_json, print_rich, print_table
from thalweg.errors import SettingError

if TYPE_CHECKING:
    from thalweg._api import Treatment


def diagnose(
    subject: Annotated[str, typer.Argument(help="A run's folder, or a training script in Python.")],
    arguments: Annotated[
        list[str] | None, typer.Argument(help="Of the script.", show_default=False)
    ] = None,
    treat: Annotated[
        bool,
        typer.Option("--treat", help="Try the remedy on the run: train both shortly, compare."),
    ] = False,
    json: Json = False,
) -> int:
    """Say what is wrong with a run, or run a script unchanged under the watch and say it then.

    What follows a script is the script's; after -- so are --treat and --json.
    """
    from thalweg import _api

    path = Path(subject)
    if path.is_dir():
        if arguments:
            raise SettingError(f"diagnose of a run takes no further words, got {arguments[0]!r}.")
        if treat:
            return _treat(path, json)
        found = _api.Run.peek(path).diagnosis
    else:
        # With --json, standard output is for the result alone.
        with redirect_stdout(sys.stderr) if json else nullcontext():
            found = _api.diagnose_script(path, arguments or [])
    if json:
        print_json(found.to_json())
    else:
        print_rich(found)
    return 0


def _treat(run: Path, json: bool) -> int:
    from thalweg import _api

    found = _api.treat(run, say=lambda line: say(f"{line} …"))
    if json:
        print_json(found.to_json())
        return 0
    print(f"{found.fault}: {found.remedy}\n")
    print_table([("", "as it was", "with the remedy"), *_rows(found)])
    verdict = (
        "The remedy helped." if found.helped else "The remedy did not help: keep what you have."
    )
    print(f"\n{verdict} Both were trained for {found.epochs} epochs from the same seed.")
    return 0


def _rows(found: "Treatment") -> list[tuple[str, str, str]]:
    changed = [
        (name, formats.setting(old), formats.setting(new))
        for name, (old, new) in found.changed.items()
    ]
    measured = [
        (name.replace("_", " "), formats.setting(found.before[name]), formats.setting(value))
        for name, value in found.after.items()
        if name.startswith(("train_", "valid_")) and name in found.before
    ]
    return changed + measured
