"""`thalweg resume`: go on with an interrupted run."""

from typing import Annotated

import typer

from thalweg.cli._ending import attach_data, finish, resumable
from thalweg.cli._failures import say
from thalweg.cli._options import Json, NoReport, Quiet, RunFolder


def resume(
    run: RunFolder,
    force: Annotated[
        bool,
        typer.Option("--force", help="Go on although data or versions differ; not exact then."),
    ] = False,
    quiet: Quiet = False,
    no_report: NoReport = False,
    json: Json = False,
) -> int:
    """Go on with an interrupted run, to the same bits as if it had not been interrupted."""
    from thalweg import _api

    with resumable(run):
        resumed = _api.resume(run, progress=not quiet, force=force)
        if not resumed.is_writer:
            return 0
        for choice in resumed.choices:
            if choice.setting == "resume":  # a damaged checkpoint was passed over
                say(f"note: {choice.reason}")
        if resumed.data is None:
            say(f"{run} had ended already: {resumed.status.reason or resumed.status.state}.")
            attach_data(resumed)
        return finish(resumed, report=not no_report, as_json=json)
