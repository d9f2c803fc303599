"""Every optimizer of torch, by name."""

import inspect
from collections.abc import Iterator, Mapping
from operator import itemgetter
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer

from thalweg._core import formats
from thalweg._core.registry import Registry, did_you_mean
from thalweg.errors import SettingError
from thalweg.train._fused_adam import FUSED

optimizers: Registry[type[Optimizer]] = Registry("optimizer")
"""torch's optimizers under their own names in lower case."""

# SparseAdam is left out: it refuses every gradient that is not sparse, and only an embedding
# made for it gives one.
for _name, _class in inspect.getmembers(torch.optim, inspect.isclass):
    if issubclass(_class, Optimizer) and _name not in ("Optimizer", "SparseAdam"):
        _first = (inspect.getdoc(_class) or _name).splitlines()[0].rstrip(".")
        optimizers.register(_name.lower(), summary=_first.removeprefix("Implements "))(_class)

VARIANTS: dict[str, tuple[str, dict[str, Any]]] = {
    "momentum": ("sgd", {"momentum": 0.9}),
    "nesterov": ("sgd", {"momentum": 0.9, "nesterov": True}),
    # Without a line search its full steps run away on all but quadratic objectives.
    "lbfgs": ("lbfgs", {"line_search_fn": "strong_wolfe"}),
}
"""Names that stand for an optimizer of torch with other constants than its own."""

LEARNING_RATES = {
    "sgd": 0.05,
    "asgd": 0.05,
    "adagrad": 0.01,
    "adadelta": 1.0,
    "rprop": 0.01,
    "lbfgs": 1.0,
    "adafactor": 0.01,
    "muon": 0.02,
    "rmsprop": 1e-3,
}
"""Peak rates that train standardized data without tuning; 1e-3 for the rest (Adam's family)."""


def canonical(name: str, options: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return torch's own name for an optimizer, and its constants.

    Raises:
        UnknownNameError: There is no such optimizer.

    Example:
        >>> canonical("nesterov", {})
        ('sgd', {'momentum': 0.9, 'nesterov': True})
    """
    lower = str(name).lower()  # a file of settings may hold a number here
    if lower in VARIANTS:
        base, constants = VARIANTS[lower]
        return base, {**constants, **options}
    return optimizers.entry(lower).name, options


def constants_of(name: str) -> list[str]:
    """Return the constants that an optimizer takes besides rate and weight decay."""
    return list(_defaults(name))


def _defaults(name: str) -> dict[str, Any]:
    """Return the constants of an optimizer with torch's own values."""
    parameters = inspect.signature(optimizers[canonical(name, {})[0]]).parameters
    return {each: p.default for each, p in parameters.items() if each not in _NOT_CONSTANTS}


# Steps that are themselves differentiated need another loop than ours.
_NOT_CONSTANTS = ("self", "params", "lr", "weight_decay", "differentiable")


def check_optimizer(name: str, options: dict[str, Any]) -> None:
    """Refuse an optimizer or constants of it that cannot work, or cannot be written down.

    Raises:
        UnknownNameError: There is no such optimizer.
        SettingError: It does not take one of the options, or not with that value.
    """
    defaults = _defaults(name)
    for option, value in options.items():
        if option not in defaults:
            raise SettingError(
                f"optimizer {name!r} has no constant {option!r}. {did_you_mean(option, defaults)}"
            )
        if wanted := _misses(option, value, defaults[option]):
            got = formats.plain(repr(value))
            raise SettingError(f"{option} of optimizer {name!r} must be {wanted}, got {got}.")


_WORDS = {
    "line_search_fn": ("strong_wolfe",),
    "adjust_lr_fn": ("original", "match_rms_adamw"),
}


def _misses(option: str, value: Any, default: Any) -> str | None:
    """Return what a constant must be, going by its default, where the value is not that.

    Whether a number is in range is left to the optimizer.
    """
    if value is None and default is None:
        return None
    if isinstance(default, bool) or option in ("foreach", "fused"):
        return None if isinstance(value, bool) else "true or false"
    if option in _WORDS:
        return None if value in _WORDS[option] else " or ".join(map(repr, _WORDS[option]))
    if isinstance(default, tuple):
        given = value if isinstance(value, (tuple, list)) else ()
        if len(given) == len(default) and all(map(_is_number, given)):
            return None
        usual = ",".join(f"{each or 0:g}" for each in default)
        return f"{len(default)} numbers, such as {usual}"
    usual = "" if default is None else f", such as {default:g}"
    return None if _is_number(value) else f"a number{usual}"


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def default_weight_decay(name: str) -> float:
    """Return the weight decay that torch itself would use."""
    return float(inspect.signature(optimizers[name]).parameters["weight_decay"].default)


def has_weight_decay(name: str) -> bool:
    """Return whether the optimizer has a weight decay of its own."""
    return "weight_decay" in inspect.signature(optimizers[name]).parameters


def has_fused(name: str, device: torch.device) -> bool:
    """Return whether one kernel can update all parameters of this optimizer at once."""
    return device.type in ("cpu", "cuda") and "fused" in constants_of(name)


def searches(optimizer: Optimizer) -> bool:
    """Return whether the optimizer may compute the gradient itself, several times in a step.

    Of torch's own only LBFGS does; of others nobody knows.
    """
    is_known = type(optimizer) in FUSED.values()
    is_known |= type(optimizer).__module__.startswith("torch.optim")
    return isinstance(optimizer, torch.optim.LBFGS) or not is_known


def decayed(model: nn.Module) -> tuple[list[nn.Parameter], list[nn.Parameter]]:
    """Return the trainable parameters that regularization shrinks, and those it leaves alone.

    Shrinking biases and the scales of normalizations costs accuracy and regularizes nothing.
    They are known by their single axis, which every weight of a layer exceeds; the few that
    have more by their name or their module.
    """
    exempt = {
        parameter
        for module in model.modules()
        for name, parameter in module.named_parameters(recurse=False)
        if parameter.ndim < 2
        or name.startswith("bias")
        or isinstance(module, (nn.LayerNorm, nn.RMSNorm))
    }
    trainable = [parameter for parameter in model.parameters() if parameter.requires_grad]
    shrunk = [parameter for parameter in trainable if parameter not in exempt]
    spared = [parameter for parameter in trainable if parameter in exempt]
    return shrunk, spared


def make_optimizer(
    model: nn.Module,
    name: str,
    *,
    learning_rate: float,
    weight_decay: float = 0.0,
    options: dict[str, Any] | None = None,
    scales: Mapping[nn.Parameter, float] | None = None,
) -> Optimizer:
    """Return an optimizer of the model's trainable parameters.

    Args:
        model: Its parameters with `requires_grad`.
        name: One of `optimizers`, or "momentum", "nesterov".
        learning_rate: Per step.
        weight_decay: The optimizer's own kind, on weights but not on biases and normalizations.
        options: Further constants of the optimizer.
        scales: What the rate of a parameter is times, where not one; in a group's "scale".

    Raises:
        UnknownNameError: There is no such optimizer.
        SettingError: It does not take one of the constants, a value is out of range, or
            nothing is trainable.
    """
    name, options = canonical(name, options or {})
    check_optimizer(name, options)
    shrunk, spared = decayed(model)
    if not shrunk and not spared:
        raise SettingError(
            "the network has no trainable parameters: every requires_grad is False. "
            "Unfreeze at least the last layer."
        )
    if weight_decay and not has_weight_decay(name):
        raise SettingError(
            f"optimizer {name!r} has no weight_decay. Use l2={weight_decay:g} instead."
        )
    groups: list[dict[str, Any]] = [{"params": shrunk + spared}]
    if weight_decay and shrunk and spared:  # Each group is a kernel of its own in every step.
        groups = [{"params": shrunk}, {"params": spared, "weight_decay": 0.0}]
    if has_weight_decay(name):
        groups[0]["weight_decay"] = weight_decay if shrunk else 0.0
    if scales:
        groups = [each for group in groups for each in _by_scale(group, scales, learning_rate)]
    if name == "muon" and (other := _first_not_matrix(model)):
        raise SettingError(
            f"optimizer 'muon' updates matrices only, but {other}. Use 'adamw', or freeze the rest."
        )
    kind = FUSED.get(name, optimizers[name]) if options.get("fused") else optimizers[name]
    try:
        return kind(groups, lr=learning_rate, **options)  # pyright: ignore[reportCallIssue]
    except (ValueError, TypeError, RuntimeError) as error:
        raise SettingError(f"optimizer {name!r} cannot be made: {error}") from error


def _by_scale(
    group: dict[str, Any], scales: Mapping[nn.Parameter, float], learning_rate: float
) -> Iterator[dict[str, Any]]:
    """Yield the group's parameters in groups of one scale each, the fastest first."""
    found: dict[float, list[nn.Parameter]] = {}
    for parameter in group["params"]:
        found.setdefault(scales.get(parameter, 1.0), []).append(parameter)
    for scale, parameters in sorted(found.items(), key=itemgetter(0), reverse=True):
        yield {**group, "params": parameters, "scale": scale, "lr": scale * learning_rate}


def _first_not_matrix(model: nn.Module) -> str | None:
    for name, parameter in model.named_parameters():
        if parameter.requires_grad and parameter.ndim != 2:
            return f"{name!r} has shape {tuple(parameter.shape)}"
    return None
