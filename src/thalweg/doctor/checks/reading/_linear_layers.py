"""The linear layers of a network, found in the graph of its loss."""

from dataclasses import dataclass

from thalweg.doctor.checks.reading._region import NEUTRAL, base, size
from thalweg.doctor.record import Node, Record

LAYERS = ("Addmm", "Mm", "Linear", "Convolution", "Bmm", "Baddbmm", "ConvolutionOverrideable")
# Families of modules that say themselves how wide they are.
KNOWN = ("linear", "convolution", "recurrent", "embedding", "attention")


@dataclass(frozen=True)
class Layer:
    """A linear layer in the graph."""

    place: int
    name: str
    """Of the module."""
    inputs: int
    outputs: int


def layer_at(record: Record, place: int) -> Layer | None:
    """Return the layer that an operation is, if its weights can be trained."""
    node = record.graph[place]
    if base(node) not in LAYERS:
        return None
    for each in node.inputs:
        name = parameter(record.graph, each)
        if name is not None and _is_bare(record, name) and base(node) in ("Mm", "Addmm"):
            return _of_matrix(record, place, each, name)
        facts = record.parameters.get(name or "")
        if name is None or facts is None or len(facts.shape) < 2 or not facts.is_trainable:
            continue
        module = name.rpartition(".")[0]
        options = record.modules[module].options if module in record.modules else {}
        if options.get("groups", 1) > 1:
            return None  # By channel, and then across channels: one convolution in two parts.
        inputs, outputs = options.get("inputs"), options.get("outputs")
        if inputs is None or outputs is None:
            return None
        kernel = size(facts.shape[2:]) if base(node) == "Convolution" else 1
        return Layer(place, module, int(inputs) * kernel, int(outputs))
    return None


def _is_bare(record: Record, name: str) -> bool:
    """Return whether a matrix to train belongs to no layer that torch knows."""
    facts, module = record.parameters.get(name), record.modules.get(name.rpartition(".")[0])
    is_matrix = facts is not None and len(facts.shape) == 2 and facts.is_trainable
    return is_matrix and (module is None or module.family not in KNOWN)


def _of_matrix(record: Record, place: int, given: int, name: str) -> Layer:
    """Return the layer of a matrix that somebody made by hand, as `x @ w` or as `x @ w.T`."""
    first, second = record.parameters[name].shape
    is_turned = False
    while record.graph[given].parameter is None:
        is_turned ^= base(record.graph[given]) in ("T", "Transpose", "Permute")
        given = record.graph[given].inputs[0]
    return Layer(place, name, second, first) if is_turned else Layer(place, name, first, second)


def parameter(graph: list[Node], place: int) -> str | None:
    """Return the parameter behind transposes and casts."""
    for _ in range(5):
        node = graph[place]
        if node.parameter is not None:
            return node.parameter
        if len(node.inputs) != 1 or base(node) not in NEUTRAL:
            return None
        place = node.inputs[0]
    return None


def data(graph: list[Node], place: int) -> int | None:
    """Return the input of a layer that is not one of its weights."""
    rest = [each for each in graph[place].inputs if parameter(graph, each) is None]
    return rest[0] if len(rest) == 1 else None


def users_of(graph: list[Node]) -> dict[int, list[int]]:
    """Return by node who takes what it gives."""
    users: dict[int, list[int]] = {}
    for place, node in enumerate(graph):
        for each in node.inputs:
            users.setdefault(each, []).append(place)
    return users
