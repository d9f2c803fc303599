"""The data flow of a network: what its tensors pass through, and where branches meet."""

from dataclasses import dataclass

from thalweg._anatomy._parts import Part


@dataclass(frozen=True)
class Block:
    """One box of the picture: an input, a call of a layer, or an operation between layers."""

    name: str
    """Where the network keeps the layer; empty for what is no layer."""
    kind: str
    shape: tuple[int, ...] | None
    """Of its output, of one example."""
    parameters: int
    sources: tuple[int, ...]
    """The boxes that it takes tensors from, by their place in the list."""


class Boxes:
    """The boxes of one pass, in the order in which they run."""

    def __init__(self) -> None:
        self.all: list[Block] = []

    def of_input(self, shape: tuple[int, ...]) -> int:
        """Add an input of the network and return its number."""
        return self._add("", "input", shape, 0, frozenset())

    def of_part(self, part: Part, sources: frozenset[int]) -> int:
        """Add a call of a layer and return its number."""
        parameters = sum(each.numel() for each in part.module.parameters())
        return self._add(part.name, part.kind, part.output_shape, parameters, sources)

    def of_operation(self, name: str, shape: tuple[int, ...], sources: frozenset[int]) -> int:
        """Add an operation between layers and return its number."""
        return self._add("", name, shape, 0, sources)

    def _add(
        self,
        name: str,
        kind: str,
        shape: tuple[int, ...] | None,
        parameters: int,
        sources: frozenset[int],
    ) -> int:
        self.all.append(Block(name, kind, shape, parameters, tuple(sorted(sources))))
        return len(self.all) - 1
