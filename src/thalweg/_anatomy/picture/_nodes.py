"""What is drawn of a network: layers with what belongs to them, repeated blocks once."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from thalweg._anatomy._boxes import Block

# A network of at most so many boxes is drawn as it is, repetitions and all.
MOST_UNFOLDED = 32


@dataclass(frozen=True)
class Node:
    """One box of the picture."""

    path: str
    """Where the network keeps it."""
    kind: str
    detail: str
    shape: tuple[int, ...] | None
    parameters: int
    role: str
    sources: tuple[int, ...]
    """The boxes above it, by their place in the list."""
    followers: tuple[str, ...] = ()
    """What comes with it: a normalization, an activation."""


@dataclass(frozen=True)
class Repeat:
    """A part of the network that comes several times in a row and is drawn once."""

    path: str
    last: str
    """Where the network keeps the last of them."""
    times: int


@dataclass(frozen=True)
class Flow:
    """The boxes in the order in which they run, and what is repeated among them."""

    nodes: list[Node]
    repeats: list[Repeat] = field(default_factory=list)


def flow(blocks: Sequence[Block]) -> Flow:
    """Return what is to be drawn of a network."""
    nodes = _gathered(blocks)
    found = Flow(nodes)
    if len(nodes) <= MOST_UNFOLDED:
        return found
    containers = {parent for node in nodes for parent in _parents(node.path)}
    for container in sorted(containers, key=lambda path: (-path.count("."), path == "", path)):
        found = _folded(found, container)
    return found


def _gathered(blocks: Sequence[Block]) -> list[Node]:
    """Return the boxes, those that only follow a layer put into its box."""
    uses = [0] * len(blocks)
    for block in blocks:
        for source in block.sources:
            uses[source] += 1
    nodes: list[Node] = []
    place: dict[int, int] = {}
    for number, block in enumerate(blocks):
        sources = tuple(dict.fromkeys(place[each] for each in block.sources))
        if block.role == "small" and len(sources) == 1 and uses[block.sources[0]] == 1:
            at = sources[0]
            nodes[at] = replace(
                nodes[at],
                parameters=nodes[at].parameters + block.parameters,
                followers=(*nodes[at].followers, block.kind),
            )
            place[number] = at
            continue
        place[number] = len(nodes)
        nodes.append(
            Node(
                block.name,
                block.kind,
                block.detail,
                block.shape,
                block.parameters,
                block.role,
                sources,
            )
        )
    return nodes


def is_within(path: str, container: str) -> bool:
    """Return whether a module is another one, or inside it."""
    return not container or path == container or path.startswith(f"{container}.")


def _parents(path: str) -> list[str]:
    words = path.split(".")
    return [".".join(words[:count]) for count in range(len(words))]


def _folded(found: Flow, container: str) -> Flow:
    """Return the flow with runs of equal children of a container drawn once."""
    units = _units(found.nodes, container)
    repeats = {each.path: each.times for each in found.repeats}
    signatures = [_signature(found.nodes, unit, repeats) for unit in units]
    runs: list[list[int]] = []
    for number, signature in enumerate(signatures):
        is_next = (
            bool(runs)
            and signature is not None
            and signatures[runs[-1][-1]] == signature
            and _follows(found.nodes, units[runs[-1][-1]], units[number])
        )
        if is_next:
            runs[-1].append(number)
        else:
            runs.append([number])
    for run in reversed([run for run in runs if len(run) > 1]):
        found = _without(found, [units[number] for number in run], container)
    return found


def _units(nodes: Sequence[Node], container: str) -> list[list[int]]:
    """Return the boxes of each child of a container, in the order in which the children run."""
    children: dict[str, list[int]] = {}
    depth = len(container.split(".")) if container else 0
    for number, node in enumerate(nodes):
        if is_within(node.path, container) and node.path != container:
            children.setdefault(node.path.split(".")[depth], []).append(number)
    return [unit for unit in children.values() if unit[-1] - unit[0] == len(unit) - 1]


def _signature(
    nodes: Sequence[Node], unit: list[int], repeats: dict[str, int]
) -> tuple[object, ...] | None:
    """Return what a part looks like from within; None where it takes from several places."""
    outside = {source for at in unit for source in nodes[at].sources if source not in unit}
    if len(outside) != 1 or nodes[unit[0]].role == "input":
        return None
    return tuple(
        replace(
            nodes[at],
            path=str(repeats.get(nodes[at].path, "")),
            sources=tuple(
                source - unit[0] if source in unit else -1 for source in nodes[at].sources
            ),
        )
        for at in unit
    )


def _follows(nodes: Sequence[Node], before: list[int], after: list[int]) -> bool:
    """Return whether one part takes from the end of another and is alone in doing so."""
    outside = {source for at in after for source in nodes[at].sources if source not in after}
    users = {
        number
        for number, node in enumerate(nodes)
        for source in node.sources
        if source in before and number not in before
    }
    return outside == {before[-1]} and users <= set(after)


def _without(found: Flow, run: list[list[int]], container: str) -> Flow:
    """Return the flow with the first part of a run alone."""
    first, last = run[0], run[-1]
    gone = set(range(run[1][0], last[-1] + 1))
    place: dict[int, int] = {}
    nodes: list[Node] = []
    for number, node in enumerate(found.nodes):
        if number in gone:
            place[number] = place[first[-1]]
            continue
        place[number] = len(nodes)
        sources = tuple(dict.fromkeys(place[source] for source in node.sources))
        nodes.append(replace(node, sources=sources))
    depth = len(container.split(".")) if container else 0

    def child(unit: list[int]) -> str:
        return ".".join(found.nodes[unit[0]].path.split(".")[: depth + 1])

    left = {found.nodes[number].path for number in range(len(found.nodes)) if number not in gone}
    kept = [each for each in found.repeats if any(is_within(path, each.path) for path in left)]
    return Flow(nodes, [*kept, Repeat(child(first), child(last), len(run))])
