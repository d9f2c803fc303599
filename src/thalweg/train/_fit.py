"""From finished parts to a run: assemble, train, keep."""

import math
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import torch
from torch import Tensor, nn

from thalweg._core import files, formats, seeds
from thalweg._core.choices import Choice
from thalweg._core.modes import evaluating
from thalweg.data import Augmentation, Splits
from thalweg.errors import (
    DataError,
    RunMismatchError,
    SettingError,
    ShapeError,
    ThalwegError,
)
from thalweg.models import recipe_of
from thalweg.tasks import Task
from thalweg.train import _checkpoint
from thalweg.train._batches import Feed, bounds
from thalweg.train._config import Config
from thalweg.train._defaults import complete
from thalweg.train._interruption import interruptible
from thalweg.train._loop import Plan
from thalweg.train._loop import run as run_loop
from thalweg.train._optimizers import make_optimizer
from thalweg.train._rate_finder import find_learning_rate
from thalweg.train._regularizers import Penalty
from thalweg.train._run import Run, Status, claim
from thalweg.train._schedules import make_schedule
from thalweg.train._settings import Settings, made_with, read_toml
from thalweg.train._state import State
from thalweg.train.observers import Observer, Progress, Recorder, Saver, Stopwatch

# Entries in the history: enough to draw any curve, few enough to read and to keep.
MOST_STEPS_RECORDED = 2000
Announce = Callable[[list[Choice]], None]


def fit(
    model: nn.Module,
    data: Splits,
    task: Task,
    config: Config,
    *,
    choices: list[Choice],
    folder: Path | None = None,
    progress: bool = True,
    announce: Announce = lambda choices: None,
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
        progress: Whether to show a bar or lines.
        announce: Called with every choice before the first step.

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
    announce(run.choices)
    if folder is None:
        return _train(run, progress, resumed=False)
    claim(folder)
    with files.locked(folder):
        run._write_settings(folder)
        return _train(run, progress, resumed=False)


def resume(
    run: Run, model: nn.Module, data: Splits, *, progress: bool = True, force: bool = False
) -> Run:
    """Go on with a run from its newest intact checkpoint.

    Run on the machine, versions and threads that it began on, it ends in the same bits as if
    it had never been interrupted.

    Args:
        run: Read from its folder.
        model: Made as it was for the run; its weights do not matter.
        data: The data of the run.
        progress: Whether to show a bar or lines.
        force: Go on although something differs; the result is then not exact.

    Raises:
        RunMismatchError: Data, versions or threads are not those of the run.
        CheckpointError: No checkpoint is intact.
    """
    assert run.folder is not None
    run._model = model
    run.data = data
    if run.status.state in ("finished", "stopped", "diverged"):
        return run
    if not force and (found := differences(run, data)):
        raise RunMismatchError(
            f"{run.folder} cannot be resumed exactly: {'; '.join(found)}. Restore that, or pass "
            "force=True (--force) to go on inexactly."
        )
    with files.locked(run.folder):
        return _train(run, progress, resumed=True)


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


def probe(model: nn.Module, data: Splits) -> Tensor:
    """Return the network's output for two examples, so that what does not fit is told early.

    Lazy modules take their shapes here; nothing else changes.

    Raises:
        DataError: There is nothing to train on.
        ShapeError: The network refuses the inputs, or returns something else than a tensor.
    """
    if not len(data.train):
        raise DataError("the training part is empty. Make `valid` and `test` smaller.")
    with evaluating(model) as device:
        inputs = data.schema.encoder.normalize(data.train.inputs[:2].to(device))
        try:
            output = model(inputs)
        except ThalwegError:
            raise
        except (RuntimeError, ValueError, TypeError, IndexError) as error:
            reason = str(error).strip().split("\n")[0] or type(error).__name__
            raise ShapeError(
                f"the network cannot take inputs of shape {tuple(inputs.shape)}: {reason}"
            ) from error
    if not isinstance(output, Tensor):
        raise ShapeError(f"the network must return one tensor, got {type(output).__name__}.")
    return output


def assemble(model: nn.Module, data: Splits, task: Task, config: Config) -> tuple[Plan, State]:
    """Return the finished objects of a run, and the state before its first step."""
    assert config.batch_size and config.epochs and isinstance(config.learning_rate, (int, float))
    assert config.device is not None
    device = torch.device(config.device)
    model.to(device)
    if config.channels_last:
        model.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
    encoder, layout = data.schema.encoder, bool(config.channels_last)
    fewest = 2 if any(isinstance(each, _BATCH_NORMS) for each in model.modules()) else 1
    steps = config.epochs * len(bounds(len(data.train), config.batch_size, fewest))
    warmup = config.warmup or 0
    optimizer = make_optimizer(
        model,
        config.optimizer,
        learning_rate=config.learning_rate,
        weight_decay=config.weight_decay or 0.0,
        options={**config.optimizer_options, **({"fused": True} if config.fused else {})},
    )
    augmentation = Augmentation(**config.augmentation)
    if augmentation.is_identity:
        augmentation = None
    elif len(encoder.shape) != 3:
        raise SettingError(
            f"{', '.join(config.augmentation)} are for images (channels, height, width), but the "
            f"data have shape {encoder.shape}. Leave them out."
        )
    plan = Plan(
        config=config,
        task=task.to(device),
        train=Feed(data.train, encoder, device, layout, augmentation),
        valid=Feed(data.valid, encoder, device, layout) if len(data.valid) else None,
        schedule=make_schedule(
            config.schedule,
            peak=config.learning_rate,
            steps=steps,
            warmup=round(warmup * steps if warmup < 1 else warmup),
            options=config.schedule_options,
        ),
        penalty=Penalty(model, config.l1, config.l2) if config.l1 or config.l2 else None,
        fewest=fewest,
    )
    return plan, State(model, optimizer, math.ceil(steps / MOST_STEPS_RECORDED), config.restore_best)


_BATCH_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.SyncBatchNorm)


def _train(run: Run, progress: bool, resumed: bool) -> Run:
    """Train, or go on training, and put what came of it into the run."""
    assert run.data is not None
    config = run.settings.train
    began = time.perf_counter()
    saving = 0.0

    def save(state: State) -> None:
        nonlocal saving
        start = time.perf_counter()
        assert run.folder is not None
        _checkpoint.save(state, run.folder / "checkpoint")
        saving += time.perf_counter() - start

    with ExitStack() as stack:
        stack.enter_context(seeds.isolated(config.seed, "train"))
        plan, state = assemble(run.model, run.data, run.task, config)
        if resumed:
            assert run.folder is not None
            for notice in _checkpoint.restore(state, run.folder / "checkpoint"):
                run.choices.append(Choice("resume", state.step, notice))
        observers: list[Observer] = []
        if run.folder is not None:
            observers.append(Recorder(run.folder / "history.jsonl"))
            observers.append(
                Saver(save, config.checkpoint_every, config.checkpoint_minutes, not resumed)
            )
        if progress:
            assert config.epochs is not None and config.batch_size is not None
            steps = len(bounds(len(plan.train), config.batch_size, plan.fewest))
            observers.append(Progress(config.epochs, len(plan.train), steps, run.task.primary))
        stopwatch = Stopwatch()
        observers.append(stopwatch)
        interruption = stack.enter_context(interruptible())
        prepared = time.perf_counter() - began
        run_loop(plan, state, observers, interruption)
        _keep(run, state)
        seconds = {"preparing": prepared, **stopwatch.seconds, "saving": saving}
        seconds["training"] -= saving
        run.timing |= {name: run.timing.get(name, 0.0) + each for name, each in seconds.items()}
        if run.folder is not None:
            run._write_results(run.folder)
    interruption.pass_on()
    return run


def _keep(run: Run, state: State) -> None:
    """Put the results of training into the run."""
    reason = state.stopped
    if reason is None:
        outcome = "finished"
    elif reason == "interrupted":
        outcome = "interrupted"
    else:
        outcome = "diverged" if reason.startswith("the loss became") else "stopped"
    best = state.best if run.settings.train.restore_best else None
    run.history = state.history
    run.status = Status(
        state=outcome,
        reason=reason,
        epochs=state.epoch,
        steps=state.step,
        best_epoch=best.epoch if best else None,
        parameters=sum(each.numel() for each in run.model.parameters()),
    )
    run.model.eval()


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
    return settings
