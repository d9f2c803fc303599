"""Linear layers with nothing between them."""

from collections.abc import Iterator

from thalweg.doctor._finding import Finding, Remedy
from thalweg.doctor.checks._check import Answer, Unchecked, check
from thalweg.doctor.checks.reading._linear_layers import (
    LAYERS,
    Layer,
    data,
    layer_at,
    parameter,
    users_of,
)
from thalweg.doctor.checks.reading._region import NEUTRAL, base, is_opaque, is_weighted, region
from thalweg.doctor.record import Node, Record

# Linear operations, too: two layers with one of these between them are still one. Not so sums of
# several inputs, which make skips, nor norms, which have their reasons.
BETWEEN = NEUTRAL - {"Cat", "Stack"} | {
    "NativeDropout", "AvgPool2D", "AvgPool1D", "AdaptiveAvgPool2D", "AdaptiveAvgPool1D", "Mean",
    "Sum", "ConstantPadNd", "FeatureDropout", "UpsampleNearest2D", "UpsampleBilinear2D", "Roll",
    "Neg", "MkldnnAdaptiveAvgPool2D",
}  # fmt: skip
# These keep a network linear, too, but are no reason to complain where it is not.
LINEAR = BETWEEN | {*LAYERS} | {
    "Add", "Sub", "Cat", "Stack", "NativeBatchNorm", "CudnnBatchNorm", "MiopenBatchNorm",
    "Parameter", "Leaf", "Embedding",
}  # fmt: skip


@check("missing-nonlinearity", explains=("underfitting", "plateau"))
def check_missing_nonlinearity(record: Record) -> Iterator[Answer]:
    """Find two layers in a row that one could replace."""
    if is_opaque(record):
        yield Unchecked("the loss graph could not be seen")
        return
    graph = record.graph
    users = users_of(graph)
    is_linear = _is_linear(record)
    pairs = []
    for place in range(len(graph)):
        second = layer_at(record, place)
        if second is None or _is_attention(record, second, users):
            continue
        first = _before(record, place, is_linear)
        if first is None or _is_attention(record, first, users) or _is_shared(first, users):
            continue
        # A middle that is narrower than both sides makes one matrix out of two cheap ones: a
        # bottleneck, a code, a low rank. It is wanted.
        is_wide = first.outputs >= min(first.inputs, second.outputs)
        # A convolution in front that only cuts up the input is a common habit, and harmless; so
        # is a layer that lays out a code as the picture that a decoder begins with.
        is_habit = _is_stem(record, first) or _lays_out(record, first, second)
        is_habit |= _is_code(record, first, second)
        if is_wide and (is_linear or not is_habit):
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
            "any activation in the network": not is_linear,
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


def _is_linear(record: Record) -> bool:
    """Return whether nothing beneath the loss is nonlinear."""
    graph = record.graph
    queue = [place for place in region(graph) if is_weighted(graph, place)]
    seen = set(queue)
    while queue:
        place = queue.pop()
        node = graph[place]
        if base(node) not in LINEAR and not _is_dropout(record, node):
            return False
        fresh = {*node.inputs} - seen
        seen |= fresh
        queue.extend(fresh)
    return True


def _is_stem(record: Record, layer: Layer) -> bool:
    """Return whether this is a convolution of the input itself."""
    is_first = data(record.graph, layer.place) is None
    return is_first and base(record.graph[layer.place]) == "Convolution"


def _lays_out(record: Record, first: Layer, second: Layer) -> bool:
    """Return whether a layer of units widens a code, for a convolution to go on with."""
    kinds = [base(record.graph[layer.place]) for layer in (first, second)]
    return kinds[0] != "Convolution" and kinds[1] == "Convolution" and first.inputs < first.outputs


def _is_code(record: Record, first: Layer, second: Layer) -> bool:
    """Return whether one part of the network ends in a short code that the next part takes.

    A representation is wanted by itself, as in contrast or distillation, and has no activation.
    """
    parts = [layer.name.rpartition(".")[0] for layer in (first, second)]
    sizes = [sum(name.startswith(f"{part}.") for name in record.modules) for part in parts]
    return parts[0] != parts[1] and all(parts) and min(sizes) > 1 and first.outputs < first.inputs


def _before(record: Record, place: int, through_norms: bool) -> Layer | None:
    """Return the layer that another takes its input from, with nothing nonlinear in between."""
    graph = record.graph
    between = LINEAR - {"Add", "Sub", "Cat", "Stack"} if through_norms else BETWEEN
    at = data(graph, place)
    for _ in range(len(graph)):
        if at is None:
            return None
        layer = layer_at(record, at)
        if layer is not None:
            return layer
        node = graph[at]
        is_passed = base(node) in between or _is_dropout(record, node) or _is_bias(graph, node)
        if not is_passed:
            return None
        at = data(graph, at)
    return None


def _is_bias(graph: list[Node], node: Node) -> bool:
    """Return whether a vector to train is added."""
    given = [graph[each] for each in node.inputs if graph[each].parameter is not None]
    return base(node) == "Add" and len(given) == 1 and len(given[0].shape) == 1


def _is_dropout(record: Record, node: Node) -> bool:
    """Return whether a product is a dropout's, or one with a single number."""
    if base(node) not in ("Mul", "Div") or not node.factors or not node.factors[0]:
        facts = record.modules.get(node.module or "")
        return base(node) == "Mul" and facts is not None and facts.family == "dropout"
    low, high = node.factors[0]
    # A mask of zeros and ones may be a ReLU by hand; dropout makes up for what it takes.
    return low == high or (low == 0 and high > 1)


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
    at = data(graph, layer.place)
    while at is not None and base(graph[at]) in NEUTRAL and len(graph[at].inputs) == 1:
        at = graph[at].inputs[0]
    if at is not None and _is_mixing(graph, at):
        return True
    queue, seen = list(users.get(layer.place, [])), set()
    while queue:
        place = queue.pop()
        if place in seen:
            continue
        seen.add(place)
        if _is_mixing(graph, place):
            return True
        if base(graph[place]) in NEUTRAL or base(graph[place]) in ("Mul", "Div"):
            queue.extend(users.get(place, []))
    return False


def _is_mixing(graph: list[Node], place: int) -> bool:
    """Return whether two computed things are multiplied as matrices."""
    node = graph[place]
    computed = [each for each in node.inputs if parameter(graph, each) is None]
    if base(node) == "Mm" and len(computed) == 2:
        return True
    return base(node) in ("Bmm", "Baddbmm") or "Attention" in node.name or "Sdp" in node.name
