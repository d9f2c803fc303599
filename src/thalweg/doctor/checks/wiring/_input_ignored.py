"""Answers that are the same whatever the question."""

from collections.abc import Iterator

from thalweg.doctor._finding import Finding, Remedy
from thalweg.doctor.checks._check import Answer, Unchecked, check
from thalweg.doctor.checks.reading._linear_layers import Layer, data, layer_at
from thalweg.doctor.checks.reading._region import NEUTRAL, base, below, is_opaque, size
from thalweg.doctor.checks.reading._terms import terms
from thalweg.doctor.record import Record, Sample

# Answers that differ by no more than rounding does, also where a tiny number was divided by
# another one.
LARGEST_SPREAD = 1e-4
# Between two layers, an input that is ignored is lost at once; one that dies out over the layers,
# by small weights or saturation, shrinks by a factor of a few in each.
LARGEST_LEFT = 1e-3
FEWEST_SAMPLES = 3
# Equal answers are measured. What is merely cut off from its gradient, which is surer than all
# else, still answers to its input.
SURE = 0.995
# Zeros of a ReLU are counted in some of the examples only.
ALL = 0.999
# Activations that may give nothing at all.
SILENCERS = ("Relu", "Threshold", "Hardtanh", "Hardshrink", "Softshrink", "Clamp", "ClampMin")


# What has read the input gets no gradient where nobody uses it.
EXPLAINED = ("plateau", "underfitting", "init-scale", "class-imbalance", "detached")


@check("input-ignored", explains=EXPLAINED)
def check_input_ignored(record: Record) -> Iterator[Answer]:
    """Find answers that are equal for different examples, and where the difference is lost."""
    seen = [(_spread(record, sample), sample) for sample in record.samples if _differ(sample)]
    known = [(spread, sample) for spread, sample in seen if spread is not None]
    # A start from zero passes in a step or two.
    known = [(spread, sample) for spread, sample in known if not _is_dead(sample)]
    if len(known) < FEWEST_SAMPLES:
        if not any(True for _ in _without_encoder(record)):
            yield Unchecked("no batch of different examples was seen through all layers")
            return
    else:
        is_equal = _are_equal(record, known)
        samples = [sample for _, sample in known]
        place = _lost_at(record, samples[0]) if is_equal else _before_noise(record, samples)
        if place is not None and not _is_silenced(record, place):
            yield _finding(place, {"difference of the answers": known[-1][0]}, SURE)
            return
    yield from _without_encoder(record)


def _differ(sample: Sample) -> bool:
    """Return whether the batch has different examples."""
    return any(len(set(each.rows)) > 1 for each in sample.inputs)


def _spread(record: Record, sample: Sample) -> float | None:
    found = [each.output_spread for each in sample.modules.values()]
    known = [each for each in found if each is not None]
    return max(known) if known else None


def _are_equal(record: Record, known: list[tuple[float, Sample]]) -> bool:
    """Return whether all answers were equal: in training, or without dropout's noise."""
    if all(spread <= LARGEST_SPREAD for spread, _ in known):
        return True
    passes = [each.output_spread for each in record.evaluations if each.output_spread is not None]
    is_noisy = any(each.family == "dropout" for each in record.modules.values())
    return is_noisy and len(passes) > 1 and max(passes) <= LARGEST_SPREAD


def _is_dead(sample: Sample) -> bool:
    """Return whether units or weights are all zero: then it is these that ignore the input."""
    if any(each.units > 1 and each.dead == each.units for each in sample.activations):
        return True
    return any(
        motion.weight == 0 for name, motion in sample.parameters.items() if "bias" not in name
    )


def _is_silenced(record: Record, name: str) -> bool:
    """Return whether a layer gets nothing from an activation: then it is dead units that do it."""
    for place in range(len(record.graph)):
        layer = layer_at(record, place)
        if layer is not None and layer.name == name:
            above = data(record.graph, place)
            if above is not None and base(record.graph[above]) in NEUTRAL:
                above = below(record.graph, above)
            if above is None or base(record.graph[above]) not in SILENCERS:
                return False
            return base(record.graph[above]) != "Relu" or _is_all_zero(record, layer.inputs)
    return False


def _is_all_zero(record: Record, units: int) -> bool:
    """Return whether a ReLU of so many units passed on nothing in some sample.

    Where it lets a number through that is the same for every example, it was given no other.
    """
    activations = [each for sample in record.samples for each in sample.activations]
    some = [each for each in activations if each.kind == "relu" and each.units == units]
    return not some or any(each.zero > ALL for each in some)


def _lost_at(record: Record, sample: Sample) -> str | None:
    """Return the first layer whose input is equal for all examples though the one before was not.

    None where the differences die out bit by bit.
    """
    layers = [name for name in sample.modules if sample.modules[name].input_spread is not None]
    layers.sort(key=lambda name: record.modules[name].order)
    layers = [name for name in layers if not _has_children(record, name)]
    before = None
    for name in layers:
        spread = sample.modules[name].input_spread
        assert spread is not None
        if spread <= LARGEST_SPREAD and (before is None or spread <= LARGEST_LEFT * before):
            return name
        before = spread
    last = _spread(record, sample) or 0.0
    if before is None or last > LARGEST_LEFT * before:
        return None
    return layers[-1]


def _before_noise(record: Record, samples: list[Sample]) -> str | None:
    """Return the dropout right before the last layer, where its input is equal for all examples."""
    called = {name: facts.order for name, facts in record.modules.items() if facts.order >= 0}
    layers = [name for name in called if record.modules[name].parameters]
    last = max(layers, key=lambda name: called[name], default=None)
    before = [
        name
        for name in called
        if last is not None and called[name] == called[last] - 1
        if record.modules[name].family == "dropout"
    ]
    for name in before:
        spreads = [each.modules[name].input_spread for each in samples if name in each.modules]
        if spreads and all(each is not None and each <= LARGEST_SPREAD for each in spreads):
            return name
    return None


def _has_children(record: Record, name: str) -> bool:
    prefix = f"{name}." if name else ""
    return any(each != name and each.startswith(prefix) for each in record.modules)


def _without_encoder(record: Record) -> Iterator[Answer]:
    """Find an answer computed from noise, while what read the input goes into another term."""
    graph = record.graph
    if is_opaque(record) or len(record.optimizers) > 1 or not record.samples:
        return
    found = terms(record)
    inputs = [each for sample in record.samples[:1] for each in sample.inputs]
    if not found or not inputs or any("int" in each.type for each in inputs):
        return
    under: set[int] = set()
    queue = [term.place for term in found]
    while queue:
        place = queue.pop()
        if place not in under:
            under.add(place)
            queue.extend(graph[place].inputs)
    reader = _reader(record)
    reached = {graph[place].parameter for place in under}
    everywhere = {node.parameter for node in graph}
    if reader is None or reader in reached or reader not in everywhere:
        return
    widths = {width for each in inputs for width in (*each.shape[1:], size(each.shape[1:]))}
    layers = [layer_at(record, place) for place in sorted(under)]
    entries = [layer for layer in layers if layer and data(graph, layer.place) is None]
    if not entries or widths & {_width(record, layer) for layer in entries}:
        return
    evidence = {"layer that reads the input": reader, "is used for the answer": False}
    yield _finding(entries[0].name, evidence, 0.9)


def _width(record: Record, layer: Layer) -> int:
    """Return the features or channels that a layer takes."""
    facts = record.modules.get(layer.name)
    return int(facts.options["inputs"]) if facts is not None else layer.inputs


def _reader(record: Record) -> str | None:
    """Return the weight of the first layer that is called."""
    called = [
        facts
        for facts in record.modules.values()
        if facts.order >= 0 and facts.parameters and facts.family in ("linear", "convolution")
    ]
    first = min(called, key=lambda facts: facts.order, default=None)
    return first.parameters[0] if first is not None else None


def _finding(place: str, evidence: dict[str, object], confidence: float) -> Finding:
    return Finding(
        fault="input-ignored",
        where=place,
        severity="error",
        confidence=confidence,
        evidence=evidence,
        remedy=Remedy(
            f"Look at what {place} is given in forward(): it must come from the input. Print it "
            "for two different examples."
        ),
    )
