"""The settings of the trainer: what each means, and what it may be."""

import math
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Self

from thalweg._core.registry import did_you_mean
from thalweg.errors import SettingError
from thalweg.train._optimizers import canonical, constants_of
from thalweg.train._schedules import schedule_options, schedules

PRECISIONS = ("float32", "bfloat16")


@dataclass(frozen=True)
class Config:
    """How to train. None means: choose, and say why."""

    epochs: int | None = None
    """Passes over the training part."""
    batch_size: int | None = None
    """Examples per optimizer step."""
    accumulate: int = 1
    """Pieces in which a batch is computed, to save memory. The step is the same."""
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
    l1: float = 0.0
    """Factor of Σ|w| in the objective, on weights but not on biases and normalizations."""
    l2: float = 0.0
    """Factor of Σw² in the objective, on weights but not on biases and normalizations."""
    clip_norm: float | None = None
    """Largest norm of the whole gradient; a longer one is shortened to it."""
    clip_value: float | None = None
    """Largest absolute value of each gradient entry."""
    patience: int | None = None
    """Epochs without a better validation loss after which training stops; None never stops."""
    min_improvement: float = 0.0
    """How much smaller, in nats, a validation loss must be to count as better."""
    restore_best: bool = True
    """End with the weights of the epoch with the smallest validation loss."""
    checkpoint_every: int | None = None
    """Optimizer steps between checkpoints; None saves at the end of each epoch at most."""
    checkpoint_minutes: float = 0.5
    """Minutes between checkpoints at the ends of epochs; zero saves at each."""
    precision: str = "float32"
    """Type of the arithmetic in the network: "float32", or "bfloat16" by autocast."""
    channels_last: bool | None = None
    """Lay images out with channels innermost."""
    fused: bool | None = None
    """Update all parameters in one kernel."""
    device: str | None = None
    """Where to compute: "cpu", "cuda", "cuda:1", "mps"."""
    seed: int = 0
    """Of the order of examples and of everything random in the network."""

    def __post_init__(self) -> None:
        for setting, (low, high) in _RANGES.items():
            _check_number(setting, getattr(self, setting), low, high)
        if isinstance(self.learning_rate, str) and self.learning_rate != "find":
            raise SettingError(
                f"learning_rate must be a number or 'find', got {self.learning_rate!r}."
            )
        if self.precision not in PRECISIONS:
            raise SettingError(
                f"precision must be one of {', '.join(PRECISIONS)}, got {self.precision!r}."
            )
        _check_constants("optimizer", self.optimizer, self.optimizer_options, self._of_optimizer())
        _check_constants("schedule", self.schedule, self.schedule_options, self._of_schedule())

    def _of_optimizer(self) -> list[str]:
        canonical(self.optimizer, {})
        return constants_of(self.optimizer)

    def _of_schedule(self) -> list[str]:
        return schedule_options(schedules.entry(self.schedule).name)

    @classmethod
    def from_settings(cls, settings: dict[str, Any]) -> Self:
        """Return a configuration from settings by name.

        A constant of the chosen optimizer or schedule may be given like a setting:
        `momentum=0.9`.

        Raises:
            SettingError: A setting is unknown (with the nearest known one) or out of range.

        Example:
            >>> Config.from_settings({"optimizer": "sgd", "momentum": 0.9}).optimizer_options
            {'momentum': 0.9}
        """
        known = [each.name for each in fields(cls)]
        own = {name: value for name, value in settings.items() if name in known}
        others = {name: value for name, value in settings.items() if name not in known}
        base = cls(**own)
        of_optimizer, of_schedule = base._of_optimizer(), base._of_schedule()
        optimizer_options, schedule_options = dict(base.optimizer_options), {}
        for name, value in others.items():
            if name in of_optimizer:
                optimizer_options[name] = tuple(value) if isinstance(value, list) else value
            elif name in of_schedule:
                schedule_options[name] = value
            else:
                hint = did_you_mean(name, [*known, *of_optimizer, *of_schedule])
                raise SettingError(f"unknown setting {name!r}. {hint}")
        own["optimizer_options"] = optimizer_options
        own["schedule_options"] = {**base.schedule_options, **schedule_options}
        return cls(**own)

    def to_settings(self) -> dict[str, Any]:
        """Return the settings by name, without those that are None."""
        return {name: value for name, value in asdict(self).items() if value is not None}


# The smallest and the largest legal value, both legal; None where any value will do.
_RANGES: dict[str, tuple[float, float]] = {
    "epochs": (1, math.inf),
    "batch_size": (1, math.inf),
    "accumulate": (1, math.inf),
    "learning_rate": (0, 1e6),
    "warmup": (0, math.inf),
    "weight_decay": (0, math.inf),
    "l1": (0, math.inf),
    "l2": (0, math.inf),
    "clip_norm": (1e-12, math.inf),
    "clip_value": (1e-12, math.inf),
    "patience": (1, math.inf),
    "min_improvement": (0, math.inf),
    "checkpoint_every": (1, math.inf),
    "checkpoint_minutes": (0, math.inf),
    "seed": (0, 2**63 - 1),
}
_WHOLE = frozenset(
    {"epochs", "batch_size", "accumulate", "patience", "checkpoint_every", "seed"}
)


def _check_number(name: str, value: Any, low: float, high: float) -> None:
    if value is None or isinstance(value, str) and name == "learning_rate":
        return
    kind = "a whole number" if name in _WHOLE else "a number"
    is_number = isinstance(value, int if name in _WHOLE else (int, float))
    if not is_number or isinstance(value, bool) or not low <= value <= high:
        limit = f"of at least {low:g}" if math.isinf(high) else f"between {low:g} and {high:g}"
        raise SettingError(f"{name} must be {kind} {limit}, got {value!r}.")


def _check_constants(noun: str, name: str, options: dict[str, Any], known: list[str]) -> None:
    for option in options:
        if option not in known:
            raise SettingError(
                f"{noun} {name!r} has no constant {option!r}. {did_you_mean(option, known)}"
            )


def setting_names(optimizer: str, schedule: str) -> list[str]:
    """Return every name that `Config.from_settings` takes with this optimizer and schedule."""
    base = Config(optimizer=optimizer, schedule=schedule)
    return [*(each.name for each in fields(Config)), *base._of_optimizer(), *base._of_schedule()]
