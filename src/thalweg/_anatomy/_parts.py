"""The modules of a network that may become rows of the table, and what is seen of each."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

from thalweg._anatomy._layer import Layer
from thalweg._anatomy._states import State
from thalweg._anatomy.fields import Field

# Where torch keeps the layers that take no sums of products, or hardly any.
FREE = frozenset(
    f"torch.nn.modules.{name}"
    for name in (
        "activation",
        "batchnorm",
        "channelshuffle",
        "dropout",
        "flatten",
        "fold",
        "instancenorm",
        "normalization",
        "padding",
        "pixelshuffle",
        "pooling",
        "sparse",
        "upsampling",
    )
)
# And those that are one layer together with whatever they hold.
WHOLE = FREE | {f"torch.nn.modules.{name}" for name in ("conv", "linear", "rnn")}


@dataclass
class Part:
    """A module that may become a layer, and what is seen of it in the pass."""

    name: str
    module: nn.Module
    is_whole: bool
    """Whether it is one layer together with all modules inside it."""
    calls: int = 0
    output_shape: tuple[int, ...] | None = None
    macs: int = 0
    """Of the operations that it runs itself."""
    not_priced: set[str] = field(default_factory=set)
    """Operations that it runs itself and whose cost nobody knows."""
    has_weights_apart: bool = False
    """Whether it multiplies by learned numbers one by one, which no count of products includes."""
    activation_bytes: int = 0
    fields: dict[int, Field] = field(default_factory=dict)
    """What its last output sees of each input."""
    not_followed: str | None = None
    """The operation after which nobody knows what is seen."""

    @property
    def kind(self) -> str:
        """The name of its class."""
        return type(self.module).__name__

    def leave(self, output: Any, state: State | None) -> None:
        """Take note of what a call gave."""
        self.calls += 1
        given = list(tensors(output))
        self.activation_bytes += sum(each.nbytes for each in given)
        self.output_shape = _shape_of_one(self.module, given[0]) if given else None
        if state is not None:
            self.fields, self.not_followed = state.fields, state.unknown

    def price(self) -> tuple[int | None, tuple[str, ...]]:
        """Return its multiply-accumulates, and the operations that are missing in them."""
        declared = getattr(self.module, "macs", None)
        if isinstance(declared, int):
            return declared * self.calls, ()
        # What somebody derives from such a layer may do anything.
        if is_free(self.module) and type(self.module).__module__.startswith("torch."):
            return self.macs, ()
        missing = set(self.not_priced)
        if self.has_weights_apart and not self.macs:
            missing.add("learned factors")
        return None if missing and not self.macs else self.macs, tuple(sorted(missing))


def parts(module: nn.Module, name: str = "", seen: set[nn.Module] | None = None) -> Iterator[Part]:
    """Yield a module and those inside it, each once, without looking into a whole one."""
    seen = set() if seen is None else seen
    if module in seen:
        return
    seen.add(module)
    children = dict(module.named_children())
    is_whole = not children or isinstance(getattr(module, "macs", None), int) or _is(module, WHOLE)
    yield Part(name, module, is_whole)
    if not is_whole:
        for child, inner in children.items():
            yield from parts(inner, f"{name}.{child}".lstrip("."), seen)


def rows(found: list[Part], axes: tuple[int, ...]) -> Iterator[tuple[Part, Layer]]:
    """Yield the parts that are layers, with what is to be said of each.

    Args:
        found: All parts, after the pass.
        axes: Of the input that receptive fields are given along.
    """
    from thalweg._anatomy._receptive_field import summary

    counted: set[Tensor] = set()
    for part in found:
        own = set(part.module.parameters(recurse=part.is_whole)) - counted
        counted |= own
        macs, missing = part.price()
        if not (part.is_whole or own or part.macs or part.not_priced):
            continue
        yield (
            part,
            Layer(
                name=part.name,
                kind=part.kind,
                output_shape=part.output_shape,
                parameters=sum(parameter.numel() for parameter in own),
                macs=macs,
                activation_bytes=part.activation_bytes,
                receptive_field=summary(part.fields.get(0), axes),
                not_priced=missing,
            ),
        )


def is_free(module: nn.Module) -> bool:
    """Return whether a layer of torch takes no sums of products by itself."""
    is_attention = isinstance(module, nn.MultiheadAttention)
    is_empty = isinstance(module, (nn.Identity, nn.Sequential))
    return (_is(module, FREE) and not is_attention) or is_empty


def is_of_torch(module: nn.Module) -> bool:
    """Return whether a layer is one of torch's own, whose sums of products are all it costs."""
    return _is(module, WHOLE)


def _is(module: nn.Module, places: frozenset[str]) -> bool:
    return any(kind.__module__ in places for kind in type(module).__mro__)


def tensors(output: Any) -> Iterator[Tensor]:
    """Yield the tensors of an output, however they are wrapped."""
    if isinstance(output, PackedSequence):
        output = output.data
    if isinstance(output, Tensor):
        yield output
    elif isinstance(output, dict):
        yield from tensors(list(output.values()))
    elif isinstance(output, (tuple, list)):
        for each in output:
            yield from tensors(each)


def first_tensor(output: Any) -> Tensor | None:
    """Return the first tensor of an output, which is what a layer is known by."""
    return next(tensors(output), None)


def _shape_of_one(module: nn.Module, output: Tensor) -> tuple[int, ...]:
    """Return the shape of an output without the batch."""
    shape = tuple(output.shape)
    # Recurrent layers and attention put time first unless told otherwise.
    is_time_first = getattr(module, "batch_first", True) is False and len(shape) == 3
    return (shape[0], *shape[2:]) if is_time_first else shape[1:]
