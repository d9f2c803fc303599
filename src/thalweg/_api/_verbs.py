"""Load, build, fit, repeat, resume: each a few lines over the layers beneath."""

import time
from pathlib import Path
from typing import Any, Literal

from torch import nn

from thalweg import data as _data
from thalweg import models, tasks, train
from thalweg._api._begin import begin, go_on
from thalweg._api._loading import load_for
from thalweg._api._network import given_network, network_of
from thalweg._api._printing import print_choices, print_wait
from thalweg._api._routing import Sections, route
from thalweg._api._transfer import fit_head
from thalweg._core.choices import Choice
from thalweg._core.progress import shown
from thalweg.data import Splits
from thalweg.doctor import watch
from thalweg.errors import DataError, SettingError
from thalweg.train import Config, Onlookers, RateCurve, Run

load = _data.load
build = models.build


def fit(
    model: nn.Module | str,
    data: Any,
    *,
    task: str | None = None,
    epochs: int | None = None,
    batch_size: int | None = None,
    optimizer: str = "adamw",
    learning_rate: float | str | None = None,
    schedule: str = "cosine",
    weight_decay: float | None = None,
    seed: int = 0,
    out: str | Path | Literal[False] | None = None,
    device: str | None = None,
    progress: bool = True,
    doctor: bool = True,
    **settings: Any,
) -> Run:
    """Train a network and return the run.

    What is None is chosen, and printed with the reason. The network is trained in place. Random
    numbers come from torch's, NumPy's and Python's own generators, seeded and put back after, so
    that several runs at once need several processes, not threads.

    Args:
        model: Any module, or the name of one that `thalweg models` lists.
        data: What `tw.load` returned, or anything that it takes.
        task: "binary", "classification", "multilabel", "regression" or another registered
            task. By default read off the target.
        epochs: Passes over the training part.
        batch_size: Examples per optimizer step.
        optimizer: Name of a torch optimizer.
        learning_rate: Peak of the schedule, per step; "find" looks for it on a copy first.
        schedule: How the rate falls from its peak.
        weight_decay: The optimizer's own, on weights but not on biases and normalizations.
        seed: Of the order of examples and of everything random in the network.
        out: Folder to keep the run in; by default a new one in `runs/`. False keeps it in memory
            alone, without checkpoints, until `run.save`.
        device: Where to compute.
        progress: Whether to show choices and progress.
        doctor: Whether the doctor watches; a few percent of the time, more of a second or two.
        **settings: Any other setting of `thalweg.train.Config`, any constant of the
            optimizer or schedule (`momentum=0.9`), any option of the task
            (`class_weights="balanced"`).

    Raises:
        ThalwegError: Data, network and settings do not fit each other; the message says how.

    Example:
        >>> import tempfile, thalweg as tw
        >>> data = tw.load("iris")
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     run = tw.fit(tw.build("mlp", data), data, epochs=20, out=folder, progress=False)
        ...     run.score("test")["accuracy"] > 0.8
        True
    """
    given = {
        "epochs": epochs,
        "batch_size": batch_size,
        "optimizer": optimizer,
        "learning_rate": learning_rate,
        "schedule": schedule,
        "weight_decay": weight_decay,
        "seed": seed,
        "device": device,
        **settings,
    }
    given = {name: value for name, value in given.items() if value is not None}
    # Settings are checked before data that may take minutes to load.
    sections = route(given, {"task": {"name": task} if task else {}}, only=("task", "train"))
    config = Config.from_settings(sections.get("train", {}))
    began = time.perf_counter()
    data = load_for(config, data, progress)
    loading = time.perf_counter() - began
    model = given_network(model, data, seed)
    return train_on(
        data, sections, model, out=out, progress=progress, doctor=doctor, loading=loading
    )


def train_from(sections: Sections, *, out: str | Path | None = None, progress: bool = True) -> Run:
    """Train from settings alone: what the command line and a file of settings do.

    Args:
        sections: "data" with its "source", "model", "task" and "train", each by setting.
        out: Folder to keep the run in.
        progress: Whether to show choices and progress.

    Raises:
        ThalwegError: As `fit`.
    """
    config = Config.from_settings(sections.get("train", {}))
    options = dict(sections.get("data", {}))
    options.pop("object", None)
    if "source" not in options:
        raise DataError(
            "these settings do not say where the data are (they were handed over in Python). "
            "Name a source: thalweg train SOURCE --config FILE."
        )
    if not isinstance(options["source"], str):
        raise SettingError(
            f"source must be a builtin name, a file or a folder, got {options['source']!r}."
        )
    began = time.perf_counter()
    data = load_for(config, options.pop("source"), progress, **options)
    loading = time.perf_counter() - began
    return train_on(data, sections, out=out, progress=progress, loading=loading)


def train_on(
    data: Splits,
    sections: Sections,
    model: nn.Module | None = None,
    *,
    out: str | Path | Literal[False] | None = None,
    progress: bool = True,
    doctor: bool = True,
    loading: float = 0.0,
) -> Run:
    """Train from settings on data that are loaded: what every door ends in.

    Args:
        data: The three parts.
        sections: "model", "task" and "train", each by setting.
        model: A network of one's own; by default the one of the settings, or the one that suits
            the data.
        out: As for `fit`.
        progress: Whether to show choices and progress.
        doctor: Whether the doctor watches.
        loading: Seconds that it took to load the data.

    Raises:
        ThalwegError: As `fit`.
    """
    config = Config.from_settings(sections.get("train", {}))
    choices = list(data.schema.choices)
    if model is None:
        model, chosen = network_of(dict(sections.get("model", {})), data, config.seed)
        choices += chosen
    choices += [*models.choices_of(model), *fit_head(model, data, config)]
    task, choice = _choose_task(model, data, dict(sections.get("task", {})))
    choices += [choice] if choice else []
    onlookers = _onlookers(progress, doctor)
    run = begin(model, data, task, config, out=out, choices=choices, onlookers=onlookers)
    run.timing = {"loading data": loading, **run.timing}
    return run


def repeat(
    config: str | Path, *, out: str | Path | None = None, progress: bool = True, **overrides: Any
) -> Run:
    """Train again from a file of settings: the same settings give the same bits.

    Args:
        config: The `config.toml` of a run, or one written by hand.
        out: Folder to keep the run in.
        progress: Whether to show choices and progress.
        **overrides: Any setting, replacing the one in the file.

    Raises:
        ThalwegError: As `fit`.
    """
    sections = train.read_toml(Path(config))
    return train_from(route(overrides, sections), out=out, progress=progress)


def resume(
    folder: str | Path,
    data: Any = None,
    model: nn.Module | None = None,
    *,
    progress: bool = True,
    force: bool = False,
) -> Run:
    """Go on with an interrupted run; it ends in the same bits as an uninterrupted one.

    Args:
        folder: The run's.
        data: Its data; needed only if they were handed over in Python.
        model: Its network; needed only if it is not a registered one.
        progress: Whether to show progress.
        force: Go on although data, versions or threads differ.

    Raises:
        RunMismatchError: Something differs; the message lists what.
        RunLockedError: Another process is writing to the run.
    """
    with train.joined() as ranks, shown(progress):
        return go_on(folder, data, model, _onlookers(progress), force=force, ranks=ranks)


def find_learning_rate(model: nn.Module | str, data: Any, **settings: Any) -> RateCurve:
    """Try rising learning rates on a copy of the network.

    The network, its gradients, buffers and modes, and the random state stay as they were.

    Args:
        model: The network, before training, or the name of one.
        data: What `tw.load` returned, or anything that it takes.
        **settings: As for `fit`.

    Returns:
        The curve, and a suggestion where it supports one.
    """
    sections = route(settings, {}, only=("task", "train"))
    config = Config.from_settings(sections.get("train", {}))
    data = load_for(config, data, progress=None)
    model = given_network(model, data, config.seed)
    task, _ = _choose_task(model, data, dict(sections.get("task", {})))
    return train.find_learning_rate(model, data, task, config)


def _onlookers(progress: bool, doctor: bool = True) -> Onlookers:
    return Onlookers(
        progress=progress,
        announce=print_choices if progress else lambda choices: None,
        wait=print_wait if progress else lambda why: None,
        watch=watch if doctor else None,
    )


def _choose_task(
    model: nn.Module, data: Splits, section: dict[str, Any]
) -> tuple[tasks.Task, Choice | None]:
    output = train.probe(model, data)
    return tasks.choose(
        data.schema.target,
        wanted=section.pop("name", None),
        outputs=output.shape[1] if output.ndim == 2 else None,
        hint=getattr(model, "task", None),
        options=section,
    )
