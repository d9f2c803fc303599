"""What is known of each tensor while a network runs: what it sees, where it comes from."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from thalweg._anatomy.fields import NOWHERE, Field, compact

Fields = dict[int, Field]
"""What a tensor sees of each input; inputs that it does not depend on are left out."""


@dataclass
class State:
    """What is known of a tensor, kept right when it is changed in place.

    A view sees what its base does there. A change through either is a change of the base, and is
    noticed by the views at their next use.
    """

    shape: tuple[int, ...]
    fields: Fields = field(default_factory=dict)
    unknown: str | None = None
    """The operation that nobody could follow, if there was one before this tensor."""
    is_learned: bool = False
    """Whether it is made of parameters alone."""
    value: Tensor | None = None
    """Its numbers, where they do not depend on the input."""
    hidden: Tensor | None = None
    """Which of its numbers are so low, as scores, or then nought, that nothing comes through."""
    sources: frozenset[int] = frozenset()
    """The boxes of the picture that it comes out of."""
    base: "State | None" = None
    look: Callable[[Field], Field] | None = None
    """What it sees of what its base sees."""
    version: int = 0
    seen: int = 0
    """The version of its base that it was last held against."""

    def read(self) -> "State":
        """Return itself, brought up to date with its base."""
        if self.base is not None and self.base.read().version != self.seen:
            look = self.look
            assert look is not None
            self.fields = {at: look(each) for at, each in self.base.fields.items()}
            self.unknown = self.unknown or self.base.unknown
            self.sources |= self.base.sources
            self.value = self.hidden = None
            self.seen = self.base.version
            self.version += 1
        return self

    def write(self, new: "State") -> None:
        """Take what another state says, after a change in place."""
        self.unknown = new.unknown or self.unknown
        self.is_learned, self.sources = new.is_learned, new.sources
        self.value, self.hidden = new.value, new.hidden
        self.version += 1
        if self.base is None:
            self.fields = new.fields
            return
        base, look = self.base.read(), self.look
        assert look is not None
        both = base.fields.keys() | new.fields.keys()
        fields = {
            at: _overwritten(base.shape, base.fields.get(at), new.fields.get(at), look)
            for at in both
        }
        sources = base.sources | new.sources
        known = {"fields": fields, "unknown": self.unknown, "sources": sources}
        base.write(replace(base, **known, value=None, hidden=None))
        self.seen, self.fields = base.version, new.fields


def _overwritten(
    shape: tuple[int, ...], old: Field | None, new: Field | None, look: Callable[[Field], Field]
) -> Field:
    """Return what a tensor sees after a view of it has been overwritten."""
    # Every unit gets its number, and the view says which ones it covers.
    numbers = torch.arange(math.prod(shape), dtype=torch.int32).view(shape)
    view = look(Field(shape, (numbers,), (None,)))
    covered = view.bounds[0].expand(view.shape).flatten().long()
    like = new or old
    assert like is not None

    def bound(at: int) -> Tensor:
        whole = _bound(old, shape, at).flatten().clone()
        whole[covered] = _bound(new, view.shape, at).flatten()
        return compact(whole.view(shape))

    is_all = view.shape == shape and new is not None
    return Field(
        shape,
        tuple(bound(at) for at in range(len(like.bounds))),
        like.lines if is_all else (None,) * len(like.lines),
    )


def _bound(field: Field | None, shape: tuple[int, ...], at: int) -> Tensor:
    if field is None:
        return torch.full((), NOWHERE, dtype=torch.int32).expand(shape)
    return field.bounds[at].expand(shape)
