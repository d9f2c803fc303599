"""From finished parts to a run: assemble, train, keep."""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer

from thalweg._core import files, formats, seeds
from thalweg._core.choices import Choice
from thalweg.data import Splits
from thalweg.errors import RunMismatchError
from thalweg.models import Recipe, recipe_of
from thalweg.tasks import Task
from thalweg.train import _checkpoint
from thalweg.train._assembly import assemble, probe
from thalweg.train._config import Config
from thalweg.train._defaults import complete
from thalweg.train._folder import RunFolder, Status
from thalweg.train._interruption import interruptible
from thalweg.train._loop import run as run_loop
from thalweg.train._rate_finder import find_learning_rate
from thalweg.train._run import Run
from thalweg.train._saves import Saves
from thalweg.train._settings import Settings, made_with, read_toml
from thalweg.train._state import State
from thalweg.train._weights import bare
from thalweg.train.observers import Observer, Progress, Recorder, Saver, Stopwatch


@dataclass(frozen=True)
class Onlookers:
    """Who looks on while a network trains; none changes a number."""

    progress: bool = True
    """Whether to show a bar or lines."""
    announce: Callable[[list[Choice]], None] = lambda choices: None
    """Called with every choice before the first step."""
    watch: Callable[[nn.Module, Optimizer], AbstractContextManager[Any]] | None = None
    """Makes the doctor's watch over the loop; what it has seen is its attribute `record`."""


def fit(
    model: nn.Module,
    data: Splits,
    task: Task,
    config: Config,
    *,
    choices: list[Choice],
    folder: Path | None = None,
    onlookers: Onlookers = Onlookers(),
) -> Run:
    """Train a network from its present weights and return the run.

    The network is trained in place and ends on the device it was trained on.

    Args:
        model: Any module whose output suits the task.
        data: The three parts.
        task: What is wanted of the network.
        config: How to train; what is None is chosen.
        choices: What was decided before, of data, network and task.
        folder: Where to keep the run; None keeps it in memory only.
        onlookers: Who looks on.

    Raises:
        ShapeError: The network does not fit the data or the task.
        SettingError: A setting does not fit.
        RunError: The folder holds a run, or cannot be written.
    """
    output = probe(model, data)
    task.check(output, data.train.targets[:2].to(output.device))
    config, chosen = complete(config, model, data)
    if config.learning_rate == "find":
        found = find_learning_rate(model, data, task, config)
        config, choice = found.settle(config)
        chosen.append(choice)
    settings = Settings(
        data=_data_settings(data),
        model=_model_settings(model, task),
        task={"name": task.name, **task.options()},
        train=config,
    )
    run = Run(
        model=model,
        task=task,
        schema=data.schema,
        settings=settings,
        choices=[*choices, *chosen],
        folder=folder,
        data=data,
    )
    onlookers.announce(run.choices)
    if folder is None:
        return _train(run, onlookers)
    with RunFolder(folder).claimed():
        return _train(run, onlookers)


def resume(
    run: Run,
    model: nn.Module,
    data: Splits,
    *,
    onlookers: Onlookers = Onlookers(),
    force: bool = False,
) -> Run:
    """Go on with a run from its newest intact checkpoint.

    Run on the machine, versions and threads that it began on, it ends in the same bits as if
    it had never been interrupted.

    Args:
        run: Read from its folder.
        model: Made as it was for the run; its weights do not matter.
        data: The data of the run.
        onlookers: Who looks on.
        force: Go on although something differs; the result is then not exact.

    Raises:
        RunMismatchError: Data, versions or threads are not those of the run.
        CheckpointError: No checkpoint is intact.
    """
    assert run.folder is not None
    run._model = model
    run.data = data
    if run.status.is_over:
        return run
    if not force and (found := differences(run, data)):
        raise RunMismatchError(
            f"{run.folder} cannot be resumed exactly: {'; '.join(found)}. Restore that, or pass "
            "force=True (--force) to go on inexactly."
        )
    with files.locked(run.folder):
        return _train(run, onlookers, resumed=True)


def differences(run: Run, data: Splits) -> list[str]:
    """Return what differs now from when the run began, in words."""
    assert run.folder is not None
    found = []
    if data.schema.fingerprint != run.schema.fingerprint:
        found.append(
            f"the data have changed (fingerprint {run.schema.fingerprint[:8]} then, "
            f"{data.schema.fingerprint[:8]} now)"
        )
    then = read_toml(run.folder / "config.toml").get("made_with", {})
    found += [
        f"{name} was {formats.plain(then.get(name))} then, is {value} now"
        for name, value in made_with().items()
        if then.get(name) != value
    ]
    return found


def _train(run: Run, onlookers: Onlookers, resumed: bool = False) -> Run:
    """Train, or go on training, and put what came of it into the run."""
    assert run.data is not None
    began = time.perf_counter()
    with ExitStack() as stack:
        stack.enter_context(seeds.isolated(run.settings.train.seed, "train"))
        stack.enter_context(torch.enable_grad())  # The caller may be in torch.no_grad().
        plan, state = assemble(run.model, run.data, run.task, run.settings.train)
        if run.folder is not None:
            folder = RunFolder(run.folder)
            if resumed:
                for notice in _checkpoint.restore(state, folder.checkpoints):
                    run.choices.append(Choice("resume", state.step, notice))
            else:
                state.begin()
                _checkpoint.save(state, folder.checkpoints)
                folder.write_beginning(run.settings, run.schema, run.choices, run.status)
        stopwatch = Stopwatch()
        observers: list[Observer] = []
        if run.folder is not None:
            folder, config = RunFolder(run.folder), run.settings.train
            apart = partial(stopwatch.apart, "saving")
            saves = stack.enter_context(Saves(folder.checkpoints, apart))
            observers += [
                Recorder(folder.history_file),
                Saver(saves, config.checkpoint_every, config.checkpoint_minutes),
            ]
        if onlookers.progress:
            shown = Progress(plan.epochs, len(plan.train), len(plan.batches), run.task.primary)
            stack.callback(shown.close)
            observers.append(shown)
        interruption = stack.enter_context(interruptible())
        doctor = None
        if onlookers.watch is not None:
            doctor = stack.enter_context(onlookers.watch(run.model, state.optimizer))
        stopwatch.seconds["preparing"] = time.perf_counter() - began
        run_loop(plan, state, [*observers, stopwatch], interruption)
        if doctor is not None:
            run.watched = doctor.record.to_json()
        _keep(run, state, stopwatch)
    interruption.pass_on()
    return run


def _keep(run: Run, state: State, stopwatch: Stopwatch) -> None:
    """Put the results of training into the run, and the run onto the disk."""
    assert run.data is not None
    reason = state.stopped
    if reason is None:
        outcome = "finished"
    elif reason == "interrupted":
        outcome = "interrupted"
    else:
        outcome = "diverged" if state.has_diverged else "stopped"
    kept, is_chosen = state.kept, state.keeps_best and len(run.data.valid) > 0
    # Where nothing was chosen and nothing was lost, the weights are simply the last.
    has_lost = kept is not None and (kept.epoch < state.epoch or state.batch > 0)
    is_told = is_chosen or (has_lost and outcome != "interrupted")
    run.history = state.history
    run.status = Status(
        state=outcome,
        reason=reason,
        epochs=state.epoch,
        steps=state.step,
        best_epoch=kept.epoch if kept is not None and is_told else None,
        parameters=sum(each.numel() for each in run.model.parameters()),
    )
    run.model.eval()
    for phase, seconds in stopwatch.seconds.items():
        run.timing[phase] = run.timing.get(phase, 0.0) + seconds
    if run.folder is not None:
        folder = RunFolder(run.folder)
        if run.watched is not None:
            folder.write_record(run.watched)
        run.status = folder.write_results(run.model, run.history, run.timing, run.status)


def _data_settings(data: Splits) -> dict[str, object]:
    schema = data.schema
    return {"source" if schema.is_reloadable else "object": schema.source, **schema.options}


def _model_settings(model: nn.Module, task: Task) -> dict[str, object]:
    recipe = recipe_of(model)
    if recipe is None:
        return {"class": f"{type(model).__module__}.{type(model).__qualname__}"}
    settings: dict[str, object] = {"name": recipe.name, "seed": recipe.seed, **recipe.options}
    if recipe.outputs != task.outputs:
        settings["outputs"] = recipe.outputs
    if not _is_fresh(model, recipe):
        settings["weights"] = "given"
    return settings


def _is_fresh(model: nn.Module, recipe: Recipe) -> bool:
    """Return whether the network has the weights that its recipe gives it."""
    own, fresh = bare(model).state_dict(), recipe.build().state_dict()
    return own.keys() == fresh.keys() and all(
        torch.equal(value.cpu(), fresh[name]) for name, value in own.items()
    )
