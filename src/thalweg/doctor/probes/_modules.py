"""What the modules are and do, seen from their forward hooks."""

from typing import Any

from torch import Tensor, nn

from thalweg.doctor._record import Activity, ModuleFacts
from thalweg.doctor.probes._inputs import tensors_in
from thalweg.doctor.probes._moments import Range, moments, unit_axis

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
    )


def activity(
    module: nn.Module, facts: ModuleFacts, given: Any, output: Any, seen: Range
) -> Activity:
    """Return what a module did, and widen the range of what came in."""
    inputs = [each for each in tensors_in(given) if each.is_floating_point()]
    outputs = [each for each in tensors_in(output) if each.is_floating_point()]
    found = Activity(
        is_training=module.training,
        input=moments(inputs[0]) if inputs else None,
        output=moments(outputs[0]) if outputs else None,
    )
    if facts.family in ("linear", "convolution") and inputs and inputs[0].ndim > 1:
        values: Tensor = inputs[0]
        axis = unit_axis(values.shape, facts.family == "convolution")
        seen.add(values, axis)
        found.units, found.silent = values.shape[axis], seen.constant()
    return found


def _family(module: nn.Module, has_parameters: bool) -> str:
    for family, classes in _FAMILIES:
        if isinstance(module, classes):
            return family
    if type(module).__module__.startswith("torch.nn.modules.activation"):
        return "activation"
    if not has_parameters and any(True for _ in module.children()):
        return "container"
    return "other"


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
