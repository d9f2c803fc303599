"""Where a run begins, and where it goes on: alone, or in the processes of a launch."""

import itertools
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from torch import nn

from thalweg import train
from thalweg._core import launch
from thalweg._core.choices import Choice
from thalweg.data import Splits, load
from thalweg.errors import RunError
from thalweg.tasks import Task
from thalweg.train import Config, Onlookers, Ranks, Run

_runs = itertools.count()
"""The runs of this process in the order of its program. Started again by torchrun, it comes to the
same ones in the same order, and goes on with those that were begun."""


def begin(
    model: nn.Module,
    data: Splits,
    task: Task,
    config: Config,
    *,
    out: str | Path | Literal[False] | None,
    choices: list[Choice],
    onlookers: Onlookers,
) -> Run:
    """Train a network as a new run; in processes that were started again, go on with the run.

    Args:
        model: The network.
        data: The three parts.
        task: What is wanted of the network.
        config: How to train.
        out: Folder to keep the run in; None takes a new one in `runs/`, False none at all.
        choices: What was decided before.
        onlookers: Who looks on.

    Raises:
        ThalwegError: As `fit` and `resume`.
    """
    place = f"run {next(_runs)}"
    with train.joined() as ranks:
        begun = launch.remembered(place)
        if begun is not None and (Path(begun) / "config.toml").exists():
            run = go_on(begun, data, model, onlookers, ranks=ranks)
            run.data = data
            return run
        folder = None
        if out is not False:
            chosen = str(out or begun or train.next_folder(data.schema.source))
            folder = Path(chosen if ranks is None else ranks.told(lambda: chosen))
        return train.fit(
            model,
            data,
            task,
            config,
            choices=choices,
            folder=folder,
            onlookers=replace(onlookers, begun=lambda path: launch.remember(place, str(path))),
            ranks=ranks,
        )


def go_on(
    folder: str | Path,
    data: Any,
    model: nn.Module | None,
    onlookers: Onlookers,
    *,
    force: bool = False,
    ranks: Ranks | None,
) -> Run:
    """Go on with a run, in the processes that do it together."""
    run = Run.peek(folder)
    if run.status.is_over:
        run = Run.load(folder, model)
        run.is_writer = ranks is None or ranks.is_first
        return run
    if model is None:
        model = run.network()
        if model is None:
            raise RunError(
                f"the network of {folder}, {run.settings.model.get('class')}, is not a registered "
                "one. Hand one like it over: tw.resume(folder, model=network)."
            )
    data = _data_of(run) if data is None else load(data)
    return train.resume(run, model, data, onlookers=onlookers, force=force, ranks=ranks)


def begun_folder() -> Path | None:
    """Return the folder of the first run that this launch began, where torchrun started it again.

    Processes that torchrun starts again come to the same `fit`, and go on with that run.
    """
    begun = launch.remembered("run 0")
    return None if begun is None else Path(begun)


def _data_of(run: Run) -> Splits:
    """Return the data of a run from where they were first loaded.

    Raises:
        RunError: They were handed over in Python.
    """
    if not run.schema.is_reloadable:
        raise RunError(
            f"the data of {run.folder} were handed over in Python. Hand them over again: "
            "tw.resume(folder, data)."
        )
    return load(run.schema.source, **run.schema.options)
