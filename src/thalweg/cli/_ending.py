"""What every training ends with: its outcome in words, the test, the page."""

import shlex
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from thalweg._core import formats, launch
from thalweg.cli._failures import DIVERGED, INTERRUPTED, complain, say
from thalweg.cli._output import print_json, print_table, show_metric
from thalweg.errors import RunError, ThalwegError

if TYPE_CHECKING:
    from thalweg._api import Run


@contextmanager
def resumable(folder: Path, *, is_new: bool = False) -> Iterator[None]:
    """Say how to go on where the training, or its ending, inside the block is interrupted.

    Args:
        folder: The run's.
        is_new: Whether the run is made inside the block.
    """
    was_there = (folder / "config.toml").exists()
    try:
        yield
    except (KeyboardInterrupt, SystemExit) as end:
        # The trainer raises SystemExit for SIGTERM, once everything is saved.
        code = end.code if isinstance(end, SystemExit) else INTERRUPTED
        if launch.size() > 1:
            # torchrun ends the rest as soon as one of them has gone, and there is a line to say.
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
        if not launch.is_first():
            pass  # The first process says it.
        elif is_new and was_there:
            say("Interrupted before training began.")
        else:
            say(_how_to_go_on(folder))
        raise typer.Exit(code if isinstance(code, int) else 1) from None


def _how_to_go_on(folder: Path) -> str:
    from thalweg import _api

    try:
        status = _api.Run.peek(folder).status
    except RunError:
        return "Interrupted before training began."
    # A second Ctrl-C leaves no time to write down how far the run came.
    where = f" at step {formats.count(status.steps)}" if status.state == "interrupted" else ""
    command = "thalweg" if launch.size() == 1 else "torchrun … -m thalweg"
    return f"Interrupted{where}. Go on with: {command} resume {shlex.quote(str(folder))}"


def attach_data(run: "Run") -> None:
    """Load the data of a run again; where that fails, say why and what is missing then."""
    from thalweg import _api

    try:
        if not run.schema.is_reloadable:
            raise RunError("they were handed over in Python")
        run.attach(_api.load(run.schema.source, **run.schema.options))
    except ThalwegError as error:
        say(f"The data are not at hand, so nothing that needs examples can be shown: {error}")


def finish(run: "Run", *, report: bool, as_json: bool) -> int:
    """Score the test part, write the report, print both, and return the exit code."""
    has_diverged = run.status.state == "diverged"
    _say_outcome(run)
    scores = {} if has_diverged else _test_scores(run)
    if not as_json:
        # Before the report, so that they are seen whatever becomes of it.
        _print_scores(scores)
    _say_findings(run)
    page = run.report() if report else None
    if as_json:
        print_json(_summary(run, scores, page))
    else:
        places = {"run": run.folder, "report": page}
        print_table([(name, str(path)) for name, path in places.items() if path is not None])
    return DIVERGED if has_diverged else 0


def _say_outcome(run: "Run") -> None:
    status, planned = run.status, run.settings.train.epochs
    if status.state == "diverged":
        complain(
            f"training diverged: {status.reason}. The test part was not looked at. Try a smaller "
            "learning_rate, or clip_norm=1.",
            noun="warning",
        )
    elif status.state == "stopped":
        say(f"Stopped early, after {status.epochs} of {planned} epochs: {status.reason}.")


def _say_findings(run: "Run") -> None:
    """Name what the doctor found; nothing where it found nothing."""
    if run.watched is not None and not run.diagnosis.healthy:
        print(f"\n{run.diagnosis.brief()}\n", file=sys.stderr)
        if run.folder is not None and any(each.remedy.change for each in run.diagnosis.findings):
            say(f"Whether the remedy helps: thalweg diagnose {run.folder} --treat")


def _test_scores(run: "Run") -> dict[str, float]:
    if "test" not in run.scores:
        if run.data is None:
            return {}
        if not len(run.data.test):
            say("The test part is empty, so there is no test score.")
            return {}
    return run.score("test")


def _summary(run: "Run", scores: dict[str, float], page: Path | None) -> dict[str, Any]:
    return {
        "run": str(run.folder),
        "state": run.status.state,
        "reason": run.status.reason,
        "epochs": run.status.epochs,
        "steps": run.status.steps,
        "best_epoch": run.status.best_epoch,
        "test": scores,
        "report": str(page) if page else None,
    }


def _print_scores(scores: dict[str, float]) -> None:
    if scores:
        rows = [(name.replace("_", " "), show_metric(name, each)) for name, each in scores.items()]
        print()
        print_table(rows, headings=("test", ""), right=(1,))
    print()
