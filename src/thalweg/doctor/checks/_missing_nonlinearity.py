"""Linear layers with nothing between them."""

from collections.abc import Iterator
from dataclasses import dataclass

from thalweg.doctor._finding import Finding, Remedy
from thalweg.doctor._record import Node, Record
from thalweg.doctor.checks._check import Answer, Unchecked, check
from thalweg.doctor.checks._region import NEUTRAL, base, is_opaque, size

LAYERS = ("Addmm", "Mm", "Linear", "Convolution", "Bmm", "Baddbmm", "ConvolutionOverrideable")
# Linear operations, too: two layers with one of these between them are still one. Not so sums of
# several inputs, which make skips, nor norms, which have their reasons.
BETWEEN = NEUTRAL - {"Cat", "Stack"} | {
    "NativeDropout", "AvgPool2D", "AvgPool1D", "AdaptiveAvgPool2D", "AdaptiveAvgPool1D", "Mean",
    "Sum", "ConstantPadNd", "FeatureDropout", "UpsampleNearest2D", "UpsampleBilinear2D", "Roll",
    "Neg", "MkldnnAdaptiveAvgPool2D",
}  # fmt: skip


@dataclass(frozen=True)
class Layer:
    """A linear layer in the graph."""

    place: int
    name: str
    """Of the module."""
    inputs: int
    outputs: int


@check("missing-nonlinearity", explains=("underfitting", "plateau"))
def check_missing_nonlinearity(record: Record) -> Iterator[Answer]:
    """Find two layers in a row that one could replace."""
    if is_opaque(record):
        yield Unchecked("the loss graph could not be seen")
        return
    graph = record.graph
    users = _users(graph)
    pairs = []
    for place in range(len(graph)):
        second = _layer(record, place)
        if second is None or _is_attention(record, second, users):
            continue
        first = _before(record, place)
        if first is None or _is_attention(record, first, users) or _is_shared(first, users):
            continue
        # A middle that is narrower than both sides makes one matrix out of two cheap ones: a
        # bottleneck, a code, a low rank. It is wanted.
        if first.outputs >= min(first.inputs, second.outputs):
            pairs.append((first, second))
    if not pairs:
        return
    pairs.reverse()  # From the input to the output.
    yield Finding(
        fault="missing-nonlinearity",
        where=pairs[0][1].name,
        severity="error",
        confidence=0.97,
        evidence={
            "pairs without activation": [f"{one.name} → {two.name}" for one, two in pairs[:8]],
            "widths of the first pair": [
                pairs[0][0].inputs,
                pairs[0][0].outputs,
                pairs[0][1].outputs,
            ],
        },
        remedy=Remedy(
            f"Put an activation between {pairs[0][0].name} and {pairs[0][1].name}, for example "
            "x = torch.relu(x): without it the two are one linear layer."
        ),
    )


def _layer(record: Record, place: int) -> Layer | None:
    """Return the layer that an operation is, if its weights can be trained."""
    node = record.graph[place]
    if base(node) not in LAYERS:
        return None
    for each in node.inputs:
        name = _parameter(record.graph, each)
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


def _parameter(graph: list[Node], place: int) -> str | None:
    """Return the parameter behind transposes and casts."""
    for _ in range(5):
        node = graph[place]
        if node.parameter is not None:
            return node.parameter
        if len(node.inputs) != 1 or base(node) not in NEUTRAL:
            return None
        place = node.inputs[0]
    return None


def _data(graph: list[Node], place: int) -> int | None:
    """Return the input of a layer that is not one of its weights."""
    rest = [each for each in graph[place].inputs if _parameter(graph, each) is None]
    return rest[0] if len(rest) == 1 else None


def _before(record: Record, place: int) -> Layer | None:
    """Return the layer that another takes its input from, with nothing nonlinear in between."""
    graph = record.graph
    at = _data(graph, place)
    for _ in range(len(graph)):
        if at is None:
            return None
        layer = _layer(record, at)
        if layer is not None:
            return layer
        node = graph[at]
        if len(node.inputs) != 1 or not (base(node) in BETWEEN or _is_dropout(record, node)):
            return None
        at = node.inputs[0]
    return None


def _is_dropout(record: Record, node: Node) -> bool:
    """Return whether a product is a dropout's, or one with a single number."""
    if base(node) not in ("Mul", "Div") or not node.factors or not node.factors[0]:
        facts = record.modules.get(node.module or "")
        return base(node) == "Mul" and facts is not None and facts.family == "dropout"
    low, high = node.factors[0]
    # A mask of zeros and ones may be a ReLU by hand; dropout makes up for what it takes.
    return low == high or (low == 0 and high > 1)


def _users(graph: list[Node]) -> dict[int, list[int]]:
    users: dict[int, list[int]] = {}
    for place, node in enumerate(graph):
        for each in node.inputs:
            users.setdefault(each, []).append(place)
    return users


def _is_shared(layer: Layer, users: dict[int, list[int]]) -> bool:
    """Return whether something else uses what a layer gives: then it is an answer of its own."""
    return len(set(users.get(layer.place, []))) > 1


def _is_attention(record: Record, layer: Layer, users: dict[int, list[int]]) -> bool:
    """Return whether a layer makes or takes queries, keys and values, which meet in products."""
    parts = layer.name.split(".")
    above = [".".join(parts[:end]) for end in range(len(parts) + 1)]
    if any(each in record.modules and record.modules[each].family == "attention" for each in above):
        return True
    graph = record.graph
    at = _data(graph, layer.place)
    while at is not None and base(graph[at]) in NEUTRAL and len(graph[at].inputs) == 1:
        at = graph[at].inputs[0]
    if at is not None and _is_mixing(graph[at]):
        return True
    queue, seen = list(users.get(layer.place, [])), set()
    while queue:
        place = queue.pop()
        if place in seen:
            continue
        seen.add(place)
        if _is_mixing(graph[place]):
            return True
        if base(graph[place]) in NEUTRAL or base(graph[place]) in ("Mul", "Div"):
            queue.extend(users.get(place, []))
    return False


def _is_mixing(node: Node) -> bool:
    """Return whether two computed things are multiplied as matrices."""
    return base(node) in ("Bmm", "Baddbmm") or "Attention" in node.name or "Sdp" in node.name
