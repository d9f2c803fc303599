"""A computational graph with each module as one node."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from thalweg.autodiff._graph_parts import Edge, Node, leaving

Key = tuple[object, ...]


def grouped(
    nodes: Sequence[Node], edges: Sequence[Edge], modules: Mapping[str, str], depth: int
) -> tuple[list[Node], list[Edge]]:
    """Return the nodes and edges of a graph with the modules down to a depth as one node each.

    Every call of a module is a node of its own, so that no circle arises. Parameters that one
    module alone uses are inside it.

    Args:
        nodes: Every operation, numbered from zero.
        edges: Between them.
        modules: The class of each module by its name.
        depth: 1 for the modules that the network itself calls, 2 for those inside them, …
    """
    keys = {node.number: _key(node, depth) for node in nodes}
    for node in nodes:
        users = {keys[edge.target] for edge in leaving(edges, node)}
        if node.operation == "parameter" and len(users) == 1:
            keys[node.number] = users.pop()
    members: dict[Key, list[Node]] = {}
    for node in nodes:
        members.setdefault(keys[node.number], []).append(node)
    # A group runs where its last operation does.
    order = sorted(members, key=lambda key: members[key][-1].number)
    places = {key: number for number, key in enumerate(order)}
    groups = [_node(edges, modules, keys, members[key], places[key]) for key in order]
    between: dict[tuple[Key, Key], list[Edge]] = {}
    for edge in edges:
        ends = keys[edge.source], keys[edge.target]
        if ends[0] != ends[1]:
            between.setdefault(ends, []).append(edge)
    links = []
    for (source, target), found in between.items():
        upstream = groups[places[target]].gradient
        downstream = _downstream(nodes, edges, keys, found)
        links.append(Edge(places[source], places[target], upstream, downstream))
    return groups, links


def _key(node: Node, depth: int) -> Key:
    """Return what nodes of the same group share; the outermost module is no group."""
    calls = node.calls[1 : depth + 1]
    return (node.number,) if node.is_leaf or not calls else tuple(calls)


def _node(
    edges: Sequence[Edge],
    modules: Mapping[str, str],
    keys: dict[int, Key],
    members: list[Node],
    number: int,
) -> Node:
    """Return a group as one node."""
    last = members[-1]
    own = keys[last.number]
    if last.is_leaf:
        return replace(last, number=number)
    ends = [each for each in members if _leaves_the_group(edges, keys, each)] or [last]
    gradients = [each.gradient for each in ends if each.gradient is not None]
    together = sum(each**2 for each in gradients) ** 0.5 if gradients else None
    operations = [each for each in members if not each.is_leaf]
    if len(operations) == 1:
        return replace(last, number=number, gradient=together)
    name = own[-1][0] if isinstance(own[-1], tuple) else ""
    kind, rule = modules.get(name, last.operation), f"{len(operations)} operations"
    return replace(last, number=number, operation=kind, name=name, rule=rule, gradient=together)


def _leaves_the_group(edges: Sequence[Edge], keys: dict[int, Key], node: Node) -> bool:
    return any(keys[each.target] != keys[node.number] for each in leaving(edges, node))


def _downstream(
    nodes: Sequence[Node], edges: Sequence[Edge], keys: dict[int, Key], between: list[Edge]
) -> float | None:
    """Return the norm of what one group passes to another along all edges between them.

    Along several it is a sum of vectors, whose norm is known where nobody else adds to it.
    """
    if len(between) == 1:
        return between[0].downstream
    sources = {each.source for each in between}
    targets = {keys[each.target] for each in between}
    if len(sources) > 1:
        return None
    source = nodes[sources.pop()]
    alone = {keys[each.target] for each in leaving(edges, source)} == targets
    return source.gradient if alone else None
