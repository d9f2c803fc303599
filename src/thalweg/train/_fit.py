"""From finished parts to a run: assemble, train, keep."""

import time
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import torch
from torch import nn

from thalweg._core import devices, files, memory, seeds
from thalweg._core.choices import Choice
from thalweg.data import Splits
from thalweg.errors import RunError, RunMismatchError
from thalweg.tasks import Task
from thalweg.train import _checkpoint
from thalweg.train._agreement import Agreement
from thalweg.train._arrangement import WAITING, Arrangement, arrange, compiled
from thalweg.train._assembly import assemble, example, probe
from thalweg.train._config import Config
from thalweg.train._decide import decide
from thalweg.train._differences import differences
from thalweg.train._folder import RunFolder
from thalweg.train._interruption import Interruption, interruptible
from thalweg.train._loop import run as run_loop
from thalweg.train._onlookers import USUAL, Onlookers
from thalweg.train._origin import data_settings, model_settings
from thalweg.train._pieces import GoBack
from thalweg.train._ranks import Ranks
from thalweg.train._results import keep
from thalweg.train._run import Run
from thalweg.train._saves import Saves
from thalweg.train._settings import Settings
from thalweg.train._snapshot import put_back, take
from thalweg.train._state import State
from thalweg.train._transfer import transfer
from thalweg.train._whole_step import WholeStep
from thalweg.train.observers import (
    Isolated,
    Observer,
    Progress,
    Recorder,
    Saver,
    Stopwatch,
    isolated,
)


@memory.kept()
def fit(
    model: nn.Module,
    data: Splits,
    task: Task,
    config: Config,
    *,
    choices: list[Choice],
    folder: Path | None = None,
    onlookers: Onlookers = USUAL,
    ranks: Ranks | None = None,
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
        onlookers: Who looks on, in the first process.
        ranks: The processes that call this together; None for one alone.

    Raises:
        ShapeError: The network does not fit the data or the task.
        SettingError: A setting does not fit.
        RunError: The folder holds a run, or cannot be written.
    """
    output = probe(model, data)
    task.check(output, data.train.targets[:2].to(output.device))
    # Told before there is a folder: fewer layers than are to be trained.
    transfer(model, example(model, data), config.tune, config.layer_decay).release()
    config, chosen = decide(config, model, data, task, ranks)
    began = time.perf_counter()
    arrangement = Arrangement(config)
    if ranks is None:
        is_open = {each.setting for each in chosen}
        arrangement = arrange(model, data, task, config, is_open, onlookers.tell)
    config, settled = arrangement.config, {each.setting for each in arrangement.choices}
    chosen = [each for each in chosen if each.setting not in settled] + arrangement.choices
    settings = Settings(
        data=data_settings(data),
        model=model_settings(model, task),
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
    run.timing["trying arrangements"] = time.perf_counter() - began
    run.is_writer = ranks is None or ranks.is_first
    if run.is_writer:
        _announce(run, onlookers, list(run.choices))
    with ExitStack() as stack:

        def claim() -> None:
            if folder is not None:
                stack.enter_context(RunFolder(folder).claimed())
                onlookers.begun(folder)

        claim() if ranks is None else ranks.told(claim)
        return _train(run, onlookers, ranks, arrangement.program)


@memory.kept()
def resume(
    run: Run,
    model: nn.Module,
    data: Splits,
    *,
    onlookers: Onlookers = USUAL,
    force: bool = False,
    ranks: Ranks | None = None,
) -> Run:
    """Go on with a run from its newest intact checkpoint.

    Run on the machine, versions and threads that it began on, it ends in the same bits as if
    it had never been interrupted.

    Args:
        run: Read from its folder.
        model: Made as it was for the run; its weights do not matter.
        data: The data of the run.
        onlookers: Who looks on, in the first process.
        force: Go on although something differs; the result is then not exact.
        ranks: The processes that call this together; None for one alone.

    Raises:
        RunMismatchError: Data, settings, versions or threads are not those of the run.
        CheckpointError: No checkpoint is intact.
    """
    assert run.folder is not None
    run._model = model
    run.data = data
    if run.status.is_over:
        return run
    if not force and (found := differences(run, model, data, ranks)):
        raise RunMismatchError(
            f"{run.folder} cannot be resumed exactly: {'; '.join(found)}. Restore that, or pass "
            "force=True (--force) to go on inexactly."
        )
    config = run.settings.train
    is_compiled = bool(config.compiled) and ranks is None
    if is_compiled:
        onlookers.tell(WAITING)
    program = compiled(model, data, run.task, config) if is_compiled else None
    run.is_writer = ranks is None or ranks.is_first
    with ExitStack() as stack:
        lock = partial(stack.enter_context, files.locked(run.folder))
        lock() if ranks is None else ranks.told(lock)
        return _train(run, onlookers, ranks, program, resumed=True)


def _train(
    run: Run,
    onlookers: Onlookers,
    ranks: Ranks | None = None,
    program: WholeStep | None = None,
    resumed: bool = False,
) -> Run:
    """Train, or go on training, and put what came of it into the run."""
    assert run.data is not None
    began = time.perf_counter()
    with ExitStack() as stack:
        # What is random in a layer differs between processes, which have different examples.
        stream = ["train"] if run.is_writer or ranks is None else ["train", ranks.rank]
        stack.enter_context(seeds.isolated(run.settings.train.seed, *stream))
        stack.enter_context(torch.enable_grad())  # The caller may be in torch.no_grad().
        stack.enter_context(devices.threads(run.settings.train.threads))
        plan, state = assemble(run.model, run.data, run.task, run.settings.train, ranks)
        if program is not None:
            plan = program.bound(plan)
        stack.callback(plan.transfer.release)
        state.settings = run.settings.sections()
        _begin(run, state, resumed)
        stopwatch = Stopwatch()
        interruption = Interruption()
        agreed = None if ranks is None else Agreement(ranks, interruption, state)
        saves = None
        if run.folder is not None:
            apart = partial(stopwatch.apart, "saving")
            saves = stack.enter_context(Saves(RunFolder(run.folder).checkpoints, apart, state))
        observers = _keepers(run, saves, agreed)
        if onlookers.progress and run.is_writer:
            shown = Progress(plan.epochs, len(plan.train), len(plan.batches), run.task.primary)
            without = partial(_go_on_without, run, "progress")
            stack.callback(isolated, shown.close, without)
            observers.append(Isolated(shown, without))
        stack.enter_context(interruptible(interruption))
        doctor = None
        with ExitStack() as watching:
            if onlookers.watch is not None and run.is_writer and state.model is run.model:
                doctor = watching.enter_context(onlookers.watch(run.model, state.optimizer))
            stopwatch.seconds["preparing"] = time.perf_counter() - began
            go_back = _way_back(run, state, saves, onlookers)
            run_loop(plan, state, [*observers, stopwatch], agreed or interruption, go_back)
        if doctor is not None:  # Only at its end does the watch look back, and try on copies.
            run.watched = doctor.record.to_json()
        if state.parallel is not None:
            state.parallel.end()
            run.watched = state.parallel.ranks.told(lambda: run.watched)
        keep(run, state, stopwatch)
        if agreed is not None:
            agreed.conclude()
    interruption.pass_on()
    return run


def _begin(run: Run, state: State, resumed: bool) -> None:
    """Bring the state and the run's folder, if it has one, to where training begins."""
    if run.folder is None:
        return
    folder = RunFolder(run.folder)
    if not resumed:
        state.begin()
        _checkpoint.save(state, folder.checkpoints)
        if run.is_writer:
            size = 1 if state.parallel is None else state.parallel.ranks.size
            folder.write_beginning(run.settings, run.schema, run.choices, run.status, size)
        return
    for notice in _checkpoint.restore(state, folder.checkpoints):
        run.choices.append(Choice("resume", state.step, notice))
    if state.parallel is not None:
        steps = state.parallel.ranks.gathered(str(state.step))
        if len(set(steps)) > 1:
            raise RunError(
                f"the processes found different checkpoints in {folder.path}, of the steps "
                f"{', '.join(steps)}. Let all of them see one folder."
            )


def _keepers(run: Run, saves: Saves | None, agreed: Agreement | None) -> list[Observer]:
    """Return the observers that keep the run's folder up; none without a folder."""
    if run.folder is None or saves is None:
        return []
    config = run.settings.train
    clock = None if agreed is None else agreed.clock
    saver = Saver(saves, config.checkpoint_every, config.checkpoint_minutes, clock)
    return [Recorder(RunFolder(run.folder).history_file), saver] if run.is_writer else [saver]


def _way_back(run: Run, state: State, saves: Saves | None, onlookers: Onlookers) -> GoBack | None:
    """Return what puts the state back at its newest checkpoint, or where it is now.

    One process of several cannot go back alone, and has no way.
    """
    if state.parallel is not None:
        return None
    beginning = None
    if saves is None:
        state.begin()
        beginning = take(state)

    def go_back(state: State, shortages: list[int], choice: Choice) -> None:
        if beginning is not None:
            put_back(state, beginning)
        elif saves is not None:
            notices = saves.go_back(state)
            run.choices += [Choice("resume", state.step, notice) for notice in notices]
            _checkpoint.note_shortages(saves.folder, shortages)
        state.shortages = shortages
        run.choices.append(choice)
        if run.folder is not None:
            RunFolder(run.folder).write_choices(run.choices)
        _announce(run, onlookers, [choice])

    return go_back


def _announce(run: Run, onlookers: Onlookers, choices: list[Choice]) -> None:
    isolated(lambda: onlookers.announce(choices), partial(_go_on_without, run, "announcement"))


def _go_on_without(run: Run, what: str, error: str) -> None:
    """Note that something which only shows what happens has failed."""
    choice = Choice(what, False, f"it failed ({error}), and training goes on without it")
    if choice not in run.choices:
        run.choices.append(choice)
