"""The settings of the trainer: what each means, and what it may be."""

import dataclasses
import math
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Self, no_type_check

import numpy as np

from thalweg._core import formats
from thalweg._core.registry import did_you_mean
from thalweg.data import Augmentation
from thalweg.errors import SettingError
from thalweg.train._optimizers import check_optimizer, constants_of, optimizers
from thalweg.train._precision import PRECISIONS
from thalweg.train._schedules import check_schedule, schedule_options
from thalweg.train._transfer import check_tune

PARALLELS = ("ddp", "fsdp")
AUGMENTATIONS = tuple(each.name for each in fields(Augmentation))


# Types are checked below, with messages for people, in tests too.
@no_type_check
@dataclass(frozen=True)
class Config:
    """How to train. None means: choose, and say why."""

    epochs: int | None = None
    """Passes over the training part."""
    batch_size: int | None = None
    """Examples per optimizer step."""
    accumulate: int = 1
    """Pieces in which a batch is computed, to save memory. The step is the same.

    Where a step finds too little memory, they become twice as many."""
    augmentation: dict[str, Any] = field(default_factory=dict)
    """For images: what `thalweg.data.Augmentation` takes, such as `rotate` or `mirror`."""
    shuffle: bool = True
    """Visit the examples in a new order each epoch."""
    optimizer: str = "adamw"
    """Name of a torch optimizer, or "momentum", "nesterov"."""
    optimizer_options: dict[str, Any] = field(default_factory=dict)
    """Its further constants, such as `betas` or `momentum`."""
    learning_rate: float | str | None = None
    """Peak of the schedule, applied per optimizer step; "find" looks for it first."""
    schedule: str = "cosine"
    """How the rate falls from its peak."""
    schedule_options: dict[str, Any] = field(default_factory=dict)
    """Constants of the schedule."""
    warmup: float | None = None
    """Steps over which the rate rises to its peak; below one, a share of all steps."""
    weight_decay: float | None = None
    """The optimizer's own decay, on weights but not on biases and normalizations."""
    tune: str | None = None
    """Of a network trained before, what is trained further: "head", "last:k" layers, "all"."""
    layer_decay: float | None = None
    """What the rate is multiplied by from each layer to the one before it, such as 0.8."""
    l1: float = 0.0
    """Factor of Σ|w| in the objective, on weights but not on biases and normalizations."""
    l2: float = 0.0
    """Factor of Σw² in the objective, on weights but not on biases and normalizations."""
    clip_norm: float | None = None
    """Largest norm of the whole gradient; a longer one is shortened to it."""
    clip_value: float | None = None
    """Largest absolute value of each gradient entry."""
    ema: float | None = None
    """Decay, per step, of the average of the weights that is validated and kept in their place."""
    patience: int | None = None
    """Epochs without a better validation loss after which training stops; None never stops."""
    min_improvement: float = 0.0
    """How much smaller, in nats, a validation loss must be to count as better."""
    restore_best: bool = True
    """End with the weights of the epoch with the smallest validation loss, not with the last."""
    checkpoint_every: int | None = None
    """Optimizer steps between checkpoints; None saves at the end of each epoch at most."""
    checkpoint_minutes: float = 0.5
    """Minutes between checkpoints at the ends of epochs; zero saves at each."""
    precision: str | None = None
    """Type of the arithmetic in the network: "float32", "bfloat16" by autocast, or, on CPUs,
    "bfloat16-matmul": float32, but for the factors of matrix products, which are rounded."""
    channels_last: bool | None = None
    """Lay images out with channels innermost."""
    fused: bool | None = None
    """Update all parameters in one kernel."""
    parallel: str | None = None
    """How processes that torchrun started share the work: "ddp", each with the whole network, or
    "fsdp", each with a part of it. Means nothing to one alone."""
    device: str | None = None
    """Where to compute: "cpu", "cuda", "cuda:1", "mps"."""
    threads: int | None = None
    """Threads of the processor to compute with."""
    compiled: bool | None = None
    """Take several steps at once in one compiled program, equal to rounding; on CPUs."""
    measure_speed: bool = True
    """Before a long training, time on a copy: layout, threads, compilation, precision."""
    seed: int = 0
    """Of the order of examples and of everything random in the network."""

    def __post_init__(self) -> None:
        for each in fields(self):
            value = _plain(getattr(self, each.name))
            object.__setattr__(self, each.name, value)
            if value is not None or each.default is not None:
                _check(each.name, value)
        if self.precision not in (None, *PRECISIONS):
            raise SettingError(
                f"precision must be one of {', '.join(PRECISIONS)}, got {self.precision!r}."
            )
        if self.parallel not in (None, *PARALLELS):
            raise SettingError(
                f"parallel must be one of {', '.join(PARALLELS)}, got {_shown(self.parallel)}."
            )
        if self.tune is not None:
            check_tune(self.tune)
        check_optimizer(self.optimizer, self.optimizer_options)
        check_schedule(self.schedule, self.schedule_options)
        for name in self.augmentation:
            if name not in AUGMENTATIONS:
                hint = did_you_mean(name, AUGMENTATIONS)
                raise SettingError(f"there is no augmentation {formats.plain(repr(name))}. {hint}")
        Augmentation(**self.augmentation)

    @classmethod
    def from_settings(cls, settings: dict[str, Any]) -> Self:
        """Return a configuration from settings by name.

        A constant of the chosen optimizer or schedule, or of the augmentation, may be given
        like a setting: `momentum=0.9`, `rotate=10`.

        Raises:
            SettingError: A setting is unknown (with the nearest known one) or out of range.

        Example:
            >>> Config.from_settings({"optimizer": "sgd", "momentum": 0.9}).optimizer_options
            {'momentum': 0.9}
        """
        known = [each.name for each in fields(cls)]
        own = {name: value for name, value in settings.items() if name in known}
        base = cls(**own)
        of_optimizer, of_schedule = constants_of(base.optimizer), schedule_options(base.schedule)
        for_optimizer, for_schedule = dict(base.optimizer_options), dict(base.schedule_options)
        for_images = dict(base.augmentation)
        for name, value in settings.items():
            if name in of_optimizer and name not in known:
                for_optimizer[name] = value
            elif name in of_schedule:
                for_schedule[name] = value
            elif name in AUGMENTATIONS:
                for_images[name] = value
            elif name not in known:
                names = [*known, *of_optimizer, *of_schedule, *AUGMENTATIONS]
                raise SettingError(_unknown(name, names, base.optimizer))
        return dataclasses.replace(
            base,
            optimizer_options=for_optimizer,
            schedule_options=for_schedule,
            augmentation=for_images,
        )

    def to_settings(self) -> dict[str, Any]:
        """Return the settings by name, without those that are None."""
        return {name: value for name, value in asdict(self).items() if value is not None}


# The smallest and the largest legal value, both legal.
_RANGES: dict[str, tuple[float, float]] = {
    "epochs": (1, math.inf),
    "batch_size": (1, math.inf),
    "accumulate": (1, math.inf),
    "learning_rate": (0, 1e6),
    "warmup": (0, math.inf),
    "weight_decay": (0, math.inf),
    "layer_decay": (1e-6, 1),
    "l1": (0, math.inf),
    "l2": (0, math.inf),
    "clip_norm": (1e-12, math.inf),
    "clip_value": (1e-12, math.inf),
    "ema": (0, 1 - 1e-6),  # Beyond a million steps' memory nothing would ever be averaged in.
    "patience": (1, math.inf),
    "min_improvement": (0, math.inf),
    "checkpoint_every": (1, math.inf),
    "checkpoint_minutes": (0, math.inf),
    "seed": (0, 2**63 - 1),
    "threads": (1, 1024),
}
_WHOLE = frozenset(
    {"epochs", "batch_size", "accumulate", "patience", "checkpoint_every", "seed", "threads"}
)
_FLAGS = frozenset(
    {"shuffle", "restore_best", "channels_last", "fused", "compiled", "measure_speed"}
)
_TABLES = frozenset({"optimizer_options", "schedule_options", "augmentation"})


def _check(name: str, value: Any) -> None:
    """Refuse a value of the wrong type or out of range; what is in no list is a word."""
    if name in _RANGES:
        _check_number(name, value, *_RANGES[name])
    elif name in _FLAGS:
        if not isinstance(value, bool):
            raise SettingError(f"{name} must be true or false, got {_shown(value)}.")
    elif name in _TABLES:
        if not isinstance(value, dict):
            raise SettingError(f"{name} must be a table of constants by name, got {_shown(value)}.")
    elif not isinstance(value, str):
        raise SettingError(f"{name} must be a word, got {_shown(value)}.")


def _check_number(name: str, value: Any, low: float, high: float) -> None:
    if name == "learning_rate" and isinstance(value, str):
        if value != "find":
            raise SettingError(f"learning_rate must be a number or 'find', got {_shown(value)}.")
        return
    kind = "a whole number" if name in _WHOLE else "a finite number"
    is_kind = isinstance(value, int if name in _WHOLE else (int, float))
    if not is_kind or isinstance(value, bool) or not low <= value <= high or value == math.inf:
        limit = f"of at least {low:g}" if math.isinf(high) else f"between {low:g} and {high:g}"
        raise SettingError(f"{name} must be {kind} {limit}, got {_shown(value)}.")


def _shown(value: Any) -> str:
    return formats.plain(repr(value))


def _plain(value: Any) -> Any:
    """Return NumPy's numbers as Python's and lists as tuples, so that a file can hold them."""
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, (list, tuple)):
        return tuple(_plain(each) for each in value)
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items() if each is not None}
    return value


def _unknown(name: str, known: list[str], optimizer: str) -> str:
    """Return what to say of a setting that is not one of those known here."""
    owners = [each.name for each in optimizers if name in constants_of(each.name)]
    if owners:
        return (
            f"the optimizer {optimizer!r} has no constant {name!r}. "
            f"These have: {', '.join(owners)}."
        )
    return f"unknown setting {formats.plain(repr(name))}. {did_you_mean(name, known)}"


def setting_names(optimizer: str, schedule: str) -> list[str]:
    """Return every name that `Config.from_settings` takes with this optimizer and schedule."""
    own = [each.name for each in fields(Config)]
    named = [*constants_of(optimizer), *schedule_options(schedule), *AUGMENTATIONS]
    return list(dict.fromkeys([*own, *named]))
