"""The data flow of a network: what its tensors pass through, and where branches meet."""

from dataclasses import dataclass
from typing import Any

from torch import nn

from thalweg._anatomy._parts import Part, is_free


@dataclass(frozen=True)
class Block:
    """One box of the picture: an input, a call of a layer, or an operation between layers."""

    name: str
    """Where the network keeps the layer, or the module that runs the operation."""
    kind: str
    shape: tuple[int, ...] | None
    """Of its output, of one example."""
    sources: tuple[int, ...]
    """The boxes that it takes tensors from, by their place in the list."""
    parameters: int = 0
    detail: str = ""
    """The size of its windows, and how they move."""
    role: str = "other"
    """"input", "weights", "pool", "small" for what comes with another layer, "join" or "other"."""


class Boxes:
    """The boxes of one pass, in the order in which they run."""

    def __init__(self) -> None:
        self.all: list[Block] = []

    def of_input(self, shape: tuple[int, ...]) -> int:
        """Add an input of the network and return its number."""
        return self._add(Block("", "input", shape, (), role="input"))

    def of_part(self, part: Part, sources: frozenset[int]) -> int:
        """Add a call of a layer and return its number."""
        module = part.module
        return self._add(
            Block(
                part.name,
                part.kind,
                part.output_shape,
                tuple(sorted(sources)),
                parameters=sum(each.numel() for each in module.parameters()),
                detail=_detail(module),
                role=_role(part),
            )
        )

    def of_operation(
        self, within: str, name: str, shape: tuple[int, ...], sources: frozenset[int], role: str
    ) -> int:
        """Add an operation between layers and return its number."""
        return self._add(Block(within, name, shape, tuple(sorted(sources)), role=role))

    def _add(self, block: Block) -> int:
        self.all.append(block)
        return len(self.all) - 1


def _role(part: Part) -> str:
    if part.macs:
        return "weights"
    if isinstance(getattr(part.module, "kernel_size", None), (int, tuple)):
        return "pool"
    if "Pool" in part.kind:
        return "pool"
    is_own_shape = not is_free(part.module)
    return "other" if is_own_shape and not isinstance(part.module, nn.Identity) else "small"


def _detail(module: Any) -> str:
    """Return what a window looks like, such as "3×3, stride 2"."""
    size = _several(getattr(module, "kernel_size", None))
    if not size:
        return ""
    words = ["×".join(map(str, size))]
    for name in ("stride", "dilation"):
        steps = set(_several(getattr(module, name, None)))
        if steps - {1}:
            words.append(f"{name} {'×'.join(map(str, sorted(steps)))}")
    groups = getattr(module, "groups", 1)
    if isinstance(groups, int) and groups > 1:
        is_depthwise = groups == getattr(module, "in_channels", None)
        words.append("depthwise" if is_depthwise else f"{groups} groups")
    return ", ".join(words)


def _several(value: Any) -> tuple[int, ...]:
    if isinstance(value, int):
        return (value, value)
    is_numbers = isinstance(value, (tuple, list)) and all(isinstance(each, int) for each in value)
    return tuple(value) if is_numbers else ()
