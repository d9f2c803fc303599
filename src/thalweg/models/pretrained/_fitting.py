"""Weights put into a network, with a new output layer where that is wanted."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from thalweg._core import formats
from thalweg._core.reading import JSON_SHARE, read
from thalweg.errors import WeightsError

# Heads that take part in training alone: a file may have them where the network has not.
AUXILIARY = ("aux1.", "aux2.", "AuxLogits.")
# Counters that files older than torch 0.4.1 lack; they matter to no output.
COUNTER = "num_batches_tracked"
VARIANCE = "running_var"


def put_in(
    network: nn.Module, tensors: Mapping[str, Tensor], path: Path, head: frozenset[str]
) -> None:
    """Put tensors into a network of the same names and shapes.

    Args:
        network: It has the weights of its initialization.
        tensors: By name.
        path: Where they come from, for messages.
        head: Names of the output layers' tensors, to be left as they are.

    Raises:
        WeightsError: A name, a shape or the kind of numbers differs, or a number is not finite; the
            first is told.
    """
    own = network.state_dict()
    given = {name: value for name, value in tensors.items() if name not in head}
    for name in [each for each in given if each not in own]:
        if not name.startswith(AUXILIARY):
            raise WeightsError(
                f"{formats.plain(path)} is of another network: it has {formats.plain(name)!r}, "
                f"which this one has not. {_counts(own, tensors)}"
            )
        del given[name]
    for name, value in own.items():
        if name in head:
            continue
        if name not in given:
            if name.endswith(COUNTER):
                continue
            raise WeightsError(
                f"{formats.plain(path)} is of another network, or not complete: {name!r} is "
                f"missing. {_counts(own, tensors)}"
            )
        if given[name].shape != value.shape:
            raise WeightsError(_misfit(path, name, value, given[name]))
        if fault := _fault(name, value, given[name]):
            raise WeightsError(f"{formats.plain(path)} is spoilt: {name!r} {fault}.")
    with torch.no_grad():
        for name, value in given.items():
            own[name].copy_(value)


def check_outputs(
    network: nn.Module,
    tensors: Mapping[str, Tensor],
    path: Path,
    head: frozenset[str],
    classes: tuple[str, ...],
) -> None:
    """Refuse weights whose output layer is for other classes, or another number of them.

    Args:
        network: As it is to be.
        tensors: Of the file.
        path: Of the file.
        head: Names of the output layers' tensors.
        classes: Of the data, where they are known.

    Raises:
        WeightsError: With both numbers, and what to do.
    """
    learned = set(_learned(path))
    if classes and learned and learned != set(classes):
        lacking, unknown = sorted(learned - set(classes)), sorted(set(classes) - learned)
        said = [
            *([f"it knows {_several(lacking)}, which the data have not"] if lacking else []),
            *([f"the data have {_several(unknown)}, which it does not know"] if unknown else []),
        ]
        raise WeightsError(
            f"{formats.plain(path)} was trained for other classes: {', and '.join(said)}. "
            "Pass head='new' to take all but the output layer, which is then learned."
        )
    own = network.state_dict()
    for name in sorted(head):
        if name in tensors and tensors[name].shape[1:] == own[name].shape[1:]:
            found, needed = len(tensors[name]), len(own[name])
            if found != needed:
                named = f" ({_several(classes)})" if classes else ""
                raise WeightsError(
                    f"{formats.plain(path)} gives {found} outputs, and {needed} are needed{named}. "
                    "Pass head='new' to take all but the output layer, which is then learned."
                )


def _several(classes: Sequence[str]) -> str:
    """Return the first names of several, for a message."""
    return formats.plain(", ".join(classes[:5]) + (", …" if len(classes) > 5 else ""))


def _learned(path: Path) -> tuple[str, ...]:
    """Return the classes that a run was trained for whose folder the file lies in, if any."""
    try:
        schema = json.loads(read(path.parent / "schema.json", JSON_SHARE))
        return tuple(map(str, schema["target"]["classes"]))
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return ()


def _fault(name: str, own: Tensor, given: Tensor) -> str | None:
    """Return what is wrong with the numbers of a tensor, if anything is."""
    if given.layout != torch.strided or given.is_quantized or given.is_meta:
        return "must hold its numbers one by one, and is sparse, quantized or empty"
    is_kind = given.is_floating_point() or not own.is_floating_point()
    if not is_kind or given.is_complex():
        return f"needs numbers of type {own.dtype}, and has {given.dtype}"
    # A number of double precision may be too large for what the network computes in.
    if not bool(given.to(own.dtype).isfinite().all()):
        return "holds numbers that are not finite"
    if name.endswith(VARIANCE) and bool((given < 0).any()):
        return "holds variances below zero"
    return None


def _misfit(path: Path, name: str, own: Tensor, given: Tensor) -> str:
    """Return what to say of a tensor of another shape."""
    if own.ndim == 4 == given.ndim and own.shape[0] == given.shape[0]:
        if own.shape[2:] == given.shape[2:]:
            return (
                f"{formats.plain(path)} is for images of {given.shape[1]} channels ({name!r}), "
                f"these have {own.shape[1]}. Load them with channels={given.shape[1]}."
            )
        return (
            f"{formats.plain(path)} has filters of {given.shape[2]}×{given.shape[3]} in {name!r}, "
            f"the network {own.shape[2]}×{own.shape[3]}."
            # Residual networks have a stem of their own for small images.
            + (" Pass stem='large' to have the file's." if name == "conv1.weight" else "")
        )
    return (
        f"{formats.plain(path)} does not fit the network: {name!r} needs shape "
        f"{tuple(own.shape)}, the file has {tuple(given.shape)}."
    )


def _counts(own: Mapping[str, Tensor], given: Mapping[str, Tensor]) -> str:
    return f"The network has {len(own)} tensors, the file {len(given)}."
