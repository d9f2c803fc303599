"""How much a network can hold, as far as its shape tells."""

from thalweg.doctor.checks.reading._region import base
from thalweg.doctor.record import Node, Record

WEIGHTED = ("linear", "convolution", "recurrent", "embedding", "attention")
# So few numbers between input and output carry a line or a plane.
NARROW = 2


def shortage(record: Record) -> dict[str, str | int] | None:
    """Return where a network is too small for all but the simplest tasks; None if nowhere.

    That is a single layer with weights, or a layer through which only one or two numbers pass,
    with no way around it.
    """
    called = sorted(
        (facts.order, path)
        for path, facts in record.modules.items()
        if facts.family in WEIGHTED and facts.order >= 0
    )
    loose = [
        name
        for name, facts in record.parameters.items()
        if name.rpartition(".")[0] not in {path for _, path in called} and len(facts.shape) > 1
    ]
    if not called or loose:
        return None
    if len(called) == 1:
        return {"layers with weights": 1, "layer": called[0][1] or "the network itself"}
    # Frozen layers leave no trace in the graph, so that ways around them are not seen.
    is_whole = all(record.modules[path].is_trainable for _, path in called)
    for place, (_, path) in enumerate(called):
        options = record.modules[path].options
        width = options.get("inputs") if place else None
        width = width if width is not None else NARROW + 1
        if place < len(called) - 1:
            width = min(width, options.get("outputs", NARROW + 1))
        if width <= NARROW and is_whole and _must_pass(record.graph, path):
            return {"numbers that pass": int(width), "layer": path}
    return None


def _must_pass(graph: list[Node], path: str) -> bool:
    """Return whether the loss sees other layers only through this one, or they come after it.

    Where the graph is not known, the order of calls has to do.
    """
    if not graph:
        return True
    own = {place for place, node in enumerate(graph) if node.module == path}
    users: dict[int, list[int]] = {}
    for place, node in enumerate(graph):
        for each in node.inputs:
            users.setdefault(each, []).append(place)
    after, before = _reached(own, users), _around(graph, own)
    if not own or any(base(graph[place]) in ("Cat", "Stack") for place in after):
        return False
    leaves = [each for each in before if graph[each].parameter is not None]
    for place in leaves:
        # From a weight to the operation that takes it, past its transpose.
        while graph[place].module is None and len(users.get(place, ())) == 1:
            place = users[place][0]
            if len(graph[place].inputs) > 1:
                break
        if place not in after:
            return False
    return True


def _reached(start: set[int], users: dict[int, list[int]]) -> set[int]:
    """Return what takes the values of some operations, at first or second hand."""
    found, queue = set(start), [*start]
    while queue:
        for each in users.get(queue.pop(), ()):
            if each not in found:
                found.add(each)
                queue.append(each)
    return found


def _around(graph: list[Node], closed: set[int]) -> set[int]:
    """Return what the loss depends on by ways that do not lead through some operations."""
    found, queue = ({0}, [0]) if 0 not in closed else (set(), [])
    while queue:
        for each in graph[queue.pop()].inputs:
            if each not in found and each not in closed:
                found.add(each)
                queue.append(each)
    return found
