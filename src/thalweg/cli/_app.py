"""`thalweg`: the commands in one place, and the way in and out."""

import io
import sys
from collections.abc import Sequence
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from thalweg import __version__
from thalweg._core import launch
from thalweg._core.registry import did_you_mean
from thalweg.cli._anatomy import anatomy
from thalweg.cli._compare import compare
from thalweg.cli._data import data
from thalweg.cli._diagnose import diagnose
from thalweg.cli._failures import exit_codes, guarded
from thalweg.cli._models import models
from thalweg.cli._predict import predict
from thalweg.cli._report import report
from thalweg.cli._resume import resume
from thalweg.cli._train import train
from thalweg.cli._verify import verify
from thalweg.errors import UnknownNameError

# What every process that torchrun starts has a part in; the rest is for the first one alone.
SHARED = ("train", "resume")


class Commands(TyperGroup):
    """The commands, with the nearest one when there is none of a name."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Return the command that the first argument names.

        Raises:
            UnknownNameError: There is none.
        """
        name = args[0]
        if self.get_command(ctx, name) is None:
            raise UnknownNameError(
                f"unknown command {name!r}. {did_you_mean(name, self.list_commands(ctx))}"
            )
        return super().resolve_command(ctx, args)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code.

    Args:
        arguments: Without the program's name; by default those of this process.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in words
    words = [word for word in words if word != "--debug"] or ["--help"]
    command = typer.main.get_command(app)
    for stream in (sys.stdout, sys.stderr):
        # A file name may hold what the terminal cannot show.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")

    def run() -> int:
        if not launch.is_first() and words[0] not in SHARED:
            return 0
        with command.make_context("thalweg", words) as context:
            return command.invoke(context) or 0

    return guarded(run, debug=debug)


app = typer.Typer(
    cls=Commands,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=exit_codes(),
)
for each in (train, resume, predict, report, compare, anatomy, models, data, verify):
    app.command()(each)
# The options of a script belong to the script.
app.command(context_settings={"ignore_unknown_options": True})(diagnose)


def _print_version(wanted: bool) -> bool:
    if wanted:
        print(f"thalweg {__version__}")
        raise typer.Exit
    return wanted


@app.callback()
def thalweg(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_print_version)
    ] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show where an error arose. May stand anywhere.")
    ] = False,
) -> None:
    """Data in, a trained and understood network out."""
