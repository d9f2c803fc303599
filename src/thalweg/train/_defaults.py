"""What the trainer chooses when the user does not, and why."""

import dataclasses
import math
from typing import Any

import torch
from torch import nn

from thalweg._core import devices, formats
from thalweg._core.choices import Choice
from thalweg.data import Splits
from thalweg.errors import SettingError
from thalweg.train._config import Config
from thalweg.train._optimizers import (
    LEARNING_RATES,
    canonical,
    default_weight_decay,
    has_fused,
    has_weight_decay,
)
from thalweg.train._precision import check_precision

# Steps per epoch that still give a gradient with little noise and many updates.
STEPS_PER_EPOCH = 40
BATCH_SIZES = (16, 256)
# Small networks on small data need a few thousand updates; large data need few epochs.
STEPS_IN_ALL = 3000
EPOCHS = (5, 100)
# Share of the steps over which the rate rises: enough for Adam's second moments to settle.
WARMUP_SHARE = 0.05


def complete(config: Config, model: nn.Module, data: Splits) -> tuple[Config, list[Choice]]:
    """Return the configuration with every None that means "choose" replaced, and the reasons.

    Raises:
        SettingError: A batch larger than the data; a device that is not there.
    """
    choices: list[Choice] = []
    chosen: dict[str, Any] = {}

    def choose(setting: str, value: Any, reason: str) -> Any:
        if getattr(config, setting) is not None:
            return getattr(config, setting)
        chosen[setting] = value
        choices.append(Choice(setting, value, reason))
        return value

    examples = len(data.train)
    if config.batch_size is not None and config.batch_size > examples:
        raise SettingError(
            f"batch_size must be at most the {formats.count(examples)} training examples, got "
            f"{formats.count(config.batch_size)}. Use batch_size={examples} for one step per epoch."
        )
    device, choice = devices.choose(config.device)
    if choice is not None:
        choose("device", str(device), choice.reason)
    batch_size = choose("batch_size", *_batch_size(examples))
    steps = math.ceil(examples / batch_size)
    choose("epochs", *_epochs(steps))
    name, options = canonical(config.optimizer, config.optimizer_options)
    choose("learning_rate", *_learning_rate(name))
    choose("warmup", *_warmup(config))
    choose("weight_decay", *_weight_decay(name))
    choose("fused", *_fused(name, options, device))
    choose("channels_last", *_channels_last(model, device))
    check_precision(config.precision, device)
    choose("precision", "float32", "exact to single rounding; bfloat16 is faster on some devices")
    return dataclasses.replace(config, **chosen), choices


def _batch_size(examples: int) -> tuple[int, str]:
    low, high = BATCH_SIZES
    wanted = 2 ** round(math.log2(max(1, examples / STEPS_PER_EPOCH)))
    value = min(max(wanted, low), high, examples)
    steps = math.ceil(examples / value)
    reason = f"{formats.count(examples)} training examples: {formats.count(steps)} steps per epoch"
    return value, reason


def _epochs(steps: int) -> tuple[int, str]:
    low, high = EPOCHS
    value = min(max(round(STEPS_IN_ALL / steps), low), high)
    return value, f"{formats.count(value * steps)} steps in all"


def _learning_rate(optimizer: str) -> tuple[float, str]:
    value = LEARNING_RATES.get(optimizer, 1e-3)
    return value, f"usual for {optimizer} on standardized data"


def _weight_decay(optimizer: str) -> tuple[float, str]:
    if not has_weight_decay(optimizer):
        return 0.0, f"{optimizer} has none of its own; l2 adds one"
    return default_weight_decay(optimizer), f"torch's own for {optimizer}"


def _warmup(config: Config) -> tuple[float, str]:
    if config.schedule == "constant":
        return 0.0, "a constant rate was asked for"
    return WARMUP_SHARE, "share of the steps in which the optimizer's averages settle"


def _fused(optimizer: str, options: dict[str, Any], device: torch.device) -> tuple[bool, str]:
    if not has_fused(optimizer, device):
        return False, f"{optimizer} has no fused kernel on {device.type}"
    if options.get("foreach"):
        return False, "foreach was asked for, and excludes it"
    return True, "one kernel updates all parameters; same mathematics, less time"


def _channels_last(model: nn.Module, device: torch.device) -> tuple[bool, str]:
    has_images = any(isinstance(module, nn.Conv2d) for module in model.modules())
    if not has_images:
        return False, "the network has no 2-D convolutions"
    if device.type not in ("cpu", "cuda"):
        return False, f"not faster on {device.type}"
    return True, "2-D convolutions run faster with channels innermost"
