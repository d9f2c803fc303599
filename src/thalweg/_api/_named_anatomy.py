"""What the command line takes apart, and how it is to be trained."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from thalweg import models
from thalweg._anatomy import Anatomy
from thalweg._anatomy.memory import TrainingMemory
from thalweg._api._anatomy import anatomy
from thalweg._api._routing import route
from thalweg._core import formats
from thalweg._core.registry import did_you_mean
from thalweg.errors import RunError, SettingError, UnknownNameError
from thalweg.train import Config, Run, setting_names

# Examples per step where nobody says how many.
USUAL_BATCH = 32
# What decides the memory that a step needs, besides the constants of the optimizer.
COUNTING = ("batch_size", "optimizer", "optimizer_options", "fused")


@dataclass(frozen=True)
class NamedAnatomy:
    """A network, and the settings of its training that decide how much memory that needs."""

    anatomy: Anatomy
    config: Config

    def training_memory(self) -> TrainingMemory:
        """Return what one step of the training holds.

        Raises:
            SettingError: The optimizer cannot be made so.
        """
        batch = self.config.batch_size or USUAL_BATCH
        return self.anatomy.training_memory(batch, **self._optimizer())

    def largest_batch(self, memory: str) -> int:
        """Return the largest batch whose step fits.

        Raises:
            SettingError: The memory is no amount.
        """
        return self.anatomy.largest_batch(memory, **self._optimizer())

    def _optimizer(self) -> dict[str, Any]:
        config = self.config
        fused = config.fused is True
        return {"optimizer": config.optimizer, "fused": fused, **config.optimizer_options}


def named_anatomy(
    name: str, shape: Any, classes: int | None, settings: dict[str, Any]
) -> NamedAnatomy:
    """Take apart what the command line names: a network, or the folder of a run.

    Args:
        name: Of either.
        shape: Of one example; None for that of the run, or what the network was made for.
        classes: Of a network by name.
        settings: Options of the network, and those settings of training that change how much
            memory it needs. A run has its own.

    Raises:
        UnknownNameError: It is neither.
        RunError: The folder holds no run, or one whose network is not registered.
        SettingError: A setting is unknown, or changes no memory.
        ThalwegError: As `anatomy`.
    """
    if name not in models.networks:
        if not Path(name).exists():
            names = models.networks.names()
            raise UnknownNameError(
                f"unknown network {formats.plain(repr(name))}, and no run lies there. "
                f"{did_you_mean(name, names)}"
            )
        return _of_run(name, shape, settings, classes)
    sections = route(settings, {"model": {"name": name}, "train": {}}, only=("model", "train"))
    options = sections["model"]
    options.pop("name")
    config = _config({}, sections["train"])
    return NamedAnatomy(anatomy(name, shape, classes=classes, **options), config)


def _of_run(folder: str, shape: Any, settings: dict[str, Any], classes: int | None) -> NamedAnatomy:
    run = Run.peek(folder)
    own = run.settings.train
    known = setting_names(settings.get("optimizer", own.optimizer), own.schedule)
    others = [each for each in settings if each.removeprefix("train.") not in known]
    given = [*others, *(["classes"] if classes is not None else [])]
    if given:
        raise SettingError(f"the network of a run is built already: {given[0]} cannot be chosen.")
    model = run.network()
    if model is None:
        raise RunError(
            f"the network of {folder}, {run.settings.model.get('class')}, is not a registered "
            "one. Take it apart in Python: tw.anatomy(model, shape)."
        )
    found = anatomy(model, run.schema.encoder.shape if shape is None else shape)
    changes = route(settings, {"train": {"optimizer": own.optimizer}}, only=("train",))["train"]
    kept = {name: value for name, value in own.to_settings().items() if name in COUNTING}
    if changes["optimizer"] != own.optimizer:  # Its constants mean nothing to another.
        kept.pop("optimizer_options", None)
    return NamedAnatomy(found, _config(kept, changes))


def _config(own: dict[str, Any], given: dict[str, Any]) -> Config:
    """Return the settings that decide the memory.

    Raises:
        SettingError: One decides nothing, or has no such value.
    """
    config = Config.from_settings({**own, **given})
    counting = {*COUNTING, *config.optimizer_options}
    for name in given:
        if name not in counting:
            raise SettingError(
                f"{name} does not change how much memory training needs. What does: batch_size, "
                "optimizer and its constants, fused."
            )
    return config
