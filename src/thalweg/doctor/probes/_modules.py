"""What the modules are and do, seen from their forward hooks."""

import inspect
from typing import Any

import torch
from torch import Tensor, nn

from thalweg.doctor.probes._inputs import tensors_in
from thalweg.doctor.probes._moments import Measured, Range, in_memory_order, stride, unit_axis
from thalweg.doctor.record import Activity, ModuleFacts

# Columns that are compared from example to example.
MOST_COMPARED = 256

_FAMILIES: list[tuple[str, tuple[type, ...]]] = [
    ("batch norm", (nn.modules.batchnorm._BatchNorm,)),
    (
        "norm",
        (nn.LayerNorm, nn.GroupNorm, nn.RMSNorm, nn.modules.instancenorm._InstanceNorm),
    ),
    ("dropout", (nn.modules.dropout._DropoutNd,)),
    ("attention", (nn.MultiheadAttention,)),
    ("linear", (nn.Linear, nn.Bilinear)),
    ("convolution", (nn.modules.conv._ConvNd,)),
    ("recurrent", (nn.RNNBase, nn.RNNCellBase)),
    ("embedding", (nn.Embedding, nn.EmbeddingBag)),
]


def describe(name: str, module: nn.Module) -> ModuleFacts:
    """Return what a module is; names of its parameters begin with its own."""
    prefix = f"{name}." if name else ""
    own = [f"{prefix}{each}" for each, _ in module.named_parameters(recurse=False)]
    return ModuleFacts(
        kind=type(module).__name__,
        family=_family(module, bool(own)),
        parameters=own,
        is_trainable=any(each.requires_grad for each in module.parameters()),
        options=_options(module),
        follows_mode=follows_mode(module),
    )


def activity(
    module: nn.Module,
    facts: ModuleFacts,
    given: Any,
    output: Any,
    seen: Range,
    measured: Measured,
) -> Activity:
    """Return what a module did, and widen the range of what came in."""
    inputs = [each for each in tensors_in(given) if each.is_floating_point()]
    outputs = [each for each in tensors_in(output) if each.is_floating_point()]
    found = Activity(
        is_training=module.training,
        input=measured.moments(inputs[0]) if inputs else None,
        output=measured.moments(outputs[0]) if outputs else None,
    )
    if facts.family in ("linear", "convolution") and inputs and inputs[0].ndim > 1:
        values: Tensor = inputs[0]
        axis = unit_axis(values.shape, facts.family == "convolution")
        seen.add(values, axis)
        found.units, found.silent = values.shape[axis], seen.constant()
    if facts.family == "batch norm" and inputs and inputs[0].ndim > 1:
        found.rows = inputs[0].numel() // max(1, inputs[0].shape[1])
    return found


def spread(values: Any, batch: int, by_column: bool = False) -> float | None:
    """Return how far examples differ in the first tensor, next to its largest number.

    Args:
        values: A module's arguments or output.
        batch: Examples that the network was given.
        by_column: Whether to compare with the largest number of each column, for columns may
            have units of their own.

    Returns:
        The largest range over the examples, of all columns; None where that is unknown.
    """
    found = tensors_in(values)
    if not found or batch < 2 or found[0].is_complex() or not found[0].numel():
        return None
    some = found[0].detach()
    if len(some) % batch == 0:
        # Time may have been folded into the batch.
        some = some.unflatten(0, (batch, -1)) if len(some) > batch else some
    elif some.ndim > 1 and some.shape[1] == batch:
        some = some.transpose(0, 1)
    else:
        return None
    step = stride(some[0], some[0].numel() // MOST_COMPARED) if some.ndim > 1 else 1
    rows = in_memory_order(some, first=1).reshape(batch, -1)[:, ::step].float()
    low, high = rows.aminmax(dim=0)
    largest = torch.maximum(low.abs(), high.abs())
    largest = largest if by_column else largest.max()
    return float(((high - low) / largest.clamp(min=1e-30)).max())


def _family(module: nn.Module, has_parameters: bool) -> str:
    for family, classes in _FAMILIES:
        if isinstance(module, classes):
            return family
    if type(module).__module__.startswith("torch.nn.modules.activation"):
        return "activation"
    if not has_parameters and any(True for _ in module.children()):
        return "container"
    return "other"


def follows_mode(module: nn.Module) -> bool:
    """Return whether a module answers otherwise in training mode, children aside."""
    if isinstance(module, (nn.RNNBase, nn.MultiheadAttention)):
        return module.dropout > 0
    if isinstance(module, nn.modules.batchnorm._NormBase):
        return module.running_mean is not None
    if isinstance(module, nn.modules.dropout._DropoutNd):
        return module.p > 0
    if type(module).__module__.startswith("torch."):
        return isinstance(module, nn.RReLU)
    own = [each for each in type(module).__mro__ if not each.__module__.startswith("torch.")]
    methods = [method for each in own for name, method in vars(each).items() if name != "train"]
    codes = [getattr(inspect.unwrap(each), "__code__", None) for each in methods if callable(each)]
    return any("training" in code.co_names for code in codes if code is not None)


def _options(module: nn.Module) -> dict[str, float]:
    names = {
        "in_features": "inputs",
        "in_channels": "inputs",
        "input_size": "inputs",
        "num_features": "inputs",
        "num_embeddings": "inputs",
        "out_features": "outputs",
        "out_channels": "outputs",
        "hidden_size": "outputs",
        "embedding_dim": "outputs",
        "groups": "groups",
        "p": "p",
    }
    found = {}
    for attribute, name in names.items():
        value = getattr(module, attribute, None)
        if isinstance(value, (int, float)):
            found[name] = float(value)
    return found
