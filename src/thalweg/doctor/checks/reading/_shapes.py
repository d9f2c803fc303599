"""What errors, likelihoods and similarities look like in a graph, whoever wrote them."""

from thalweg.doctor.checks.reading._region import NEUTRAL, base, below, size
from thalweg.doctor.record import Node

LIKELIHOODS = ("LogSoftmax", "LogSigmoid", "Log")
# A logarithm is one of a likelihood where it is taken of one of these.
CHANCES = ("Softmax", "Sigmoid")
BOUNDS = frozenset({"Clamp", "ClampMin", "ClampMax", "Add"})
# Entries that count are taken out, or multiplied by one and the others by zero.
PICKED = frozenset({"Diagonal", "MaskedFill"})
ADDED = frozenset({"Sum", "Add", "Sub", "Mul", "Div"}) | BOUNDS | PICKED


def is_likelihood(graph: list[Node], place: int) -> bool:
    """Return whether this is the logarithm of a chance."""
    node, name = graph[place], base(graph[place])
    if name == "Sub" and len(node.inputs) == 2:  # A log-softmax by hand.
        under = below(graph, node.inputs[1]) if base(graph[node.inputs[1]]) in NEUTRAL else None
        total = node.inputs[1] if under is None else under
        if base(graph[total]) == "Log":
            total = below(graph, total, ADDED)
            return (
                total is not None
                and base(graph[total]) == "Exp"
                and _is_same(graph, graph[total].inputs[0], node.inputs[0])
            )
        return base(graph[total]) == "Logsumexp" and below(graph, total) == node.inputs[0]
    if name != "Log":
        return name in LIKELIHOODS
    under = below(graph, place, BOUNDS | PICKED)
    return under is not None and (base(graph[under]) in CHANCES or _is_share(graph, under))


def _is_share(graph: list[Node], place: int) -> bool:
    """Return whether an exponential is divided by a sum that has it too: a softmax by hand."""
    node = graph[place]
    if base(node) != "Div" or len(node.inputs) != 2:
        return False
    above, total = node.inputs
    if base(graph[above]) != "Exp":
        under = below(graph, above, ADDED)
        if under is None:
            return False
        above = under
    if base(graph[above]) != "Exp":
        return False
    queue, seen = [total], set()
    while queue:
        each = queue.pop()
        if each == above:
            return each != total  # By itself it is one.
        if each not in seen and (base(graph[each]) in ADDED or base(graph[each]) in NEUTRAL):
            seen.add(each)
            queue.extend(graph[each].inputs)
    return False


def _is_same(graph: list[Node], one: int, other: int) -> bool:
    """Return whether two operations give the same numbers, some perhaps left out."""
    ends = []
    for place in (one, other):
        while base(graph[place]) in NEUTRAL | PICKED and len(graph[place].inputs) == 1:
            place = graph[place].inputs[0]
        ends.append(place)
    return ends[0] == ends[1]


def is_error(graph: list[Node], place: int) -> bool:
    """Return whether this is the square or size of a difference from something that is fixed."""
    node, name = graph[place], base(graph[place])
    is_square = name == "Pow" and node.options.get("exponent") == 2
    is_square |= name == "Mul" and len(node.inputs) == 2 and node.inputs[0] == node.inputs[1]
    if not (is_square or name == "Abs") or not node.inputs:
        return False
    difference = graph[node.inputs[0]]
    return base(difference) in ("Sub", "Rsub") and len(difference.inputs) == 1


def is_cosine(graph: list[Node], place: int) -> bool:
    """Return whether an output, divided by its own length, is multiplied with something fixed."""
    node = graph[place]
    if base(node) != "Mul" or len(node.inputs) != 1 or not node.constant:
        return False
    share = graph[node.inputs[0]]
    if base(share) != "Div" or len(share.inputs) != 2 or size(node.constant) < 2:
        return False
    divisor = share.inputs[1]
    for _ in range(4):
        if base(graph[divisor]) in ("LinalgVectorNorm", "Norm"):
            return True
        if not graph[divisor].inputs:
            return False
        divisor = graph[divisor].inputs[0]
    return False
