"""One operation of torch, as the rules see it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from thalweg._anatomy.fields._field import Field

Rule = Callable[["Call"], list[Field | None] | Field | None]
"""What the outputs of an operation see: one field for all of them, or one for each."""


class UntraceableError(Exception):
    """No rule says what the outputs of an operation see."""


class ValuesNeededError(UntraceableError):
    """What the outputs see depends on numbers that are not at hand."""


@dataclass(frozen=True)
class Call:
    """An operation that has run, seen from one input of the network."""

    func: Any
    args: dict[str, Any]
    """By the names of its schema."""
    outputs: list[Tensor]
    field: Callable[[Tensor], Field | None]
    """What the units of a tensor see; None if nothing."""
    value: Callable[[Tensor], Tensor] = torch.detach
    """The numbers in a tensor that does not depend on the input.

    Raises:
        ValuesNeededError: They are not at hand.
    """
    hidden: Callable[[Tensor], Tensor | None] = lambda tensor: None
    """Which numbers of a tensor of scores, or of shares, let nothing through."""

    @property
    def name(self) -> str:
        """The operation's, without its overload and the mark of a change in place.

        One of another library keeps its prefix: it may bear the name of one of torch's.
        """
        return self.func._schema.name.removeprefix("aten::").rstrip("_")

    @property
    def tensors(self) -> list[Tensor]:
        """Every tensor among the arguments."""
        return [each for value in self.args.values() for each in tensors_in(value)]

    def sees(self, *names: str) -> list[Field | None]:
        """Return the fields of arguments that are tensors."""
        return [self.field(tensor) for name in names for tensor in tensors_in(self.args.get(name))]

    def require_constant(self, *names: str) -> None:
        """Refuse an operation that reads its numbers through these arguments.

        Raises:
            UntraceableError: One of them depends on the input.
        """
        if any(field is not None for field in self.sees(*names)):
            raise UntraceableError


def tensors_in(value: Any) -> list[Tensor]:
    """Return the tensors in an argument, which may be a list of them."""
    if isinstance(value, Tensor):
        return [value]
    return (
        [t for each in value for t in tensors_in(each)] if isinstance(value, (list, tuple)) else []
    )
