"""What is settled before a network is trained; of several processes, the first one settles it."""

import dataclasses
from typing import Any

from torch import nn

from thalweg._core.choices import Choice
from thalweg.data import Splits
from thalweg.errors import RunMismatchError, SettingError
from thalweg.tasks import Task
from thalweg.train._config import Config
from thalweg.train._defaults import complete
from thalweg.train._optimizers import canonical
from thalweg.train._ranks import Ranks
from thalweg.train._rate_finder import find_learning_rate

# They look at a weight as a whole or set entries in place, which torch cannot do to its parts.
WHOLE_WEIGHTS = ("adafactor", "muon", "rprop")
FUSED_IN_PARTS = ("adam", "adamw")


def decide(
    config: Config, model: nn.Module, data: Splits, task: Task, ranks: Ranks | None
) -> tuple[Config, list[Choice]]:
    """Return the completed configuration, and the reasons of what nobody asked for.

    Raises:
        SettingError: Settings cannot be had together.
        RunMismatchError: The processes have loaded different data.
    """
    if ranks is None:
        return _decided(config, model, data, task)
    _check_alike(data.schema.fingerprint, ranks)
    config, choices = _parallel(config, ranks)

    def first_decides() -> list[Any]:
        decided, chosen = _decided(config, model, data, task)
        return [decided.to_settings(), [each.to_json() for each in [*choices, *chosen]]]

    settings, chosen = ranks.told(first_decides)
    return Config.from_settings(settings), [Choice.from_json(each) for each in chosen]


def _decided(
    config: Config, model: nn.Module, data: Splits, task: Task
) -> tuple[Config, list[Choice]]:
    config, chosen = complete(config, model, data)
    if config.learning_rate == "find":
        found = find_learning_rate(model, data, task, config)
        config, choice = found.settle(config)
        chosen.append(choice)
    return config, chosen


def _parallel(config: Config, ranks: Ranks) -> tuple[Config, list[Choice]]:
    """Return the configuration with a way to share the work."""
    name, _ = canonical(config.optimizer, config.optimizer_options)
    if name == "lbfgs":
        raise SettingError(
            f"optimizer {config.optimizer!r} searches along a line by losses of its own, which "
            "several processes cannot do together. Use 'adamw', or train in one process."
        )
    if config.compiled:
        raise SettingError(
            "steps that are compiled as a whole cannot be shared by several processes. Leave "
            "compiled out."
        )
    config = dataclasses.replace(config, compiled=False)
    if config.parallel is None:
        reason = f"{ranks.size} processes, each with the whole network and a share of each batch"
        return dataclasses.replace(config, parallel="ddp"), [Choice("parallel", "ddp", reason)]
    if config.parallel != "fsdp":
        return config, []
    if name in WHOLE_WEIGHTS:
        raise SettingError(
            f"optimizer {config.optimizer!r} needs whole weights, and parallel='fsdp' gives each "
            "process a part of them. Use 'adamw', or parallel='ddp'."
        )
    if config.channels_last:
        raise SettingError(
            "parallel='fsdp' cannot cut weights with channels innermost. Leave channels_last out."
        )
    if config.fused and name not in FUSED_IN_PARTS:
        raise SettingError(
            f"parallel='fsdp' has no fused kernel of {config.optimizer!r}. Leave fused out."
        )
    fused = config.fused if name in FUSED_IN_PARTS else False
    reasons = [
        Choice("channels_last", False, "fsdp cannot cut weights with channels innermost"),
        Choice("doctor", "off", "each process has a part of the weights only"),
    ]
    if fused is False and config.fused is None:
        reasons.append(Choice("fused", False, f"{name} has no fused kernel for parts of weights"))
    return dataclasses.replace(config, channels_last=False, fused=fused), reasons


def _check_alike(fingerprint: str, ranks: Ranks) -> None:
    found = ranks.gathered(fingerprint)
    for rank, each in enumerate(found):
        if each != found[0]:
            raise RunMismatchError(
                f"the processes have loaded different data: fingerprint {found[0][:8]} in process "
                f"0, {each[:8]} in process {rank}. Give all the same source, options and seed."
            )
