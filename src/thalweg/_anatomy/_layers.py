"""The layers of a network: shapes, parameters, multiply-accumulates."""

import inspect
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy
from torch.nn.utils.rnn import PackedSequence
from torch.utils.flop_counter import FlopCounterMode

from thalweg._anatomy._costs import Formula, formula
from thalweg._core import formats, seeds
from thalweg.errors import ShapeError


@dataclass(frozen=True)
class Layer:
    """One layer of a network, at one input size."""

    name: str
    """Where the network keeps it; empty for the network itself."""
    kind: str
    output_shape: tuple[int, ...] | None
    """Of one example; None for a layer that was not used."""
    parameters: int
    """Numbers that it can learn and no layer before it in the list has."""
    macs: int | None
    """Multiply-accumulates for one example; None for a layer that cannot be priced."""


@dataclass(frozen=True)
class Anatomy:
    """All layers of a network, and what they cost together.

    Example:
        >>> anatomy = Anatomy(layers(nn.Sequential(nn.Linear(4, 8), nn.ReLU()), (4,)))
        >>> anatomy.parameters, anatomy.macs, anatomy.flops
        (40, 32, 64)
    """

    layers: Sequence[Layer]

    @property
    def parameters(self) -> int:
        """Numbers that the network can learn, each counted once."""
        return sum(layer.parameters for layer in self.layers)

    @property
    def macs(self) -> int:
        """Multiply-accumulates for one example, of the layers that could be priced."""
        return sum(layer.macs or 0 for layer in self.layers)

    @property
    def flops(self) -> int:
        """Floating-point operations for one example: each MAC is a product and a sum."""
        return 2 * self.macs

    @property
    def not_priced(self) -> list[str]:
        """The layers whose cost is unknown, and so missing in the totals."""
        return [layer.name for layer in self.layers if layer.macs is None]


@dataclass
class _Part:
    """A module that may become a layer, and what is seen of it in the pass."""

    name: str
    module: nn.Module
    is_whole: bool
    """Whether it is one layer together with all modules inside it."""
    formula: Formula | None
    is_used: bool = False
    output_shape: tuple[int, ...] | None = None
    macs: int = 0
    """By the formula, over all calls."""
    products: int = 0
    """MACs of the products and convolutions that it runs itself, as torch counts them."""

    @property
    def price(self) -> int | None:
        if self.formula is not None or not self.is_used:
            return self.macs
        return self.products or None


def layers(
    model: nn.Module, shape: tuple[int, ...], dtype: torch.dtype | None = None
) -> list[Layer]:
    """Return the layers of a network, in the order in which it defines them.

    One example of zeros runs through the network in evaluation mode. Its weights, buffers,
    modes and the global random state stay as they are.

    The layers of torch are priced by formula. A module of the user's own is priced by an
    attribute `macs` if it has one, else by the matrix products and convolutions that it runs
    itself; where it runs none, its price is unknown, which is not the same as nothing.

    Args:
        model: Any module that takes one tensor.
        shape: Of one example, without the batch.
        dtype: Of the inputs. By default that of the parameters.

    Raises:
        ShapeError: The network cannot take such inputs.

    Example:
        >>> for layer in layers(nn.Sequential(nn.Conv2d(1, 6, 5), nn.ReLU()), (1, 32, 32)):
        ...     print(layer)
        Layer(name='0', kind='Conv2d', output_shape=(6, 28, 28), parameters=156, macs=117600)
        Layer(name='1', kind='ReLU', output_shape=(6, 28, 28), parameters=0, macs=0)
    """
    parts = list(_parts(model, "", set()))
    with _watched(parts), _undisturbed(model):
        _run(model, shape, dtype)
    table: list[Layer] = []
    counted: set[Tensor] = set()
    for part in parts:
        own = set(part.module.parameters(recurse=part.is_whole)) - counted
        counted |= own
        if part.is_whole or own or part.products:
            table.append(
                Layer(
                    name=part.name,
                    kind=type(part.module).__name__,
                    output_shape=part.output_shape,
                    parameters=sum(parameter.numel() for parameter in own),
                    macs=part.price,
                )
            )
    return table


def _parts(module: nn.Module, name: str, seen: set[nn.Module]) -> Iterator[_Part]:
    """Yield a module and those inside it, each once, without looking into a whole one."""
    if module in seen:
        return
    seen.add(module)
    macs = formula(module)
    children = dict(module.named_children())
    is_whole = macs is not None or not children
    yield _Part(name, module, is_whole, macs)
    if not is_whole:
        for child, inner in children.items():
            yield from _parts(inner, f"{name}.{child}".lstrip("."), seen)


@contextmanager
def _watched(parts: list[_Part]) -> Iterator[None]:
    """Note what every part does while the block runs."""
    counter = FlopCounterMode(display=False)
    # For each module now running: the count at its start, and what the ones inside it ran.
    running: list[list[int]] = []

    def enter(module: nn.Module, args: Any) -> None:
        running.append([counter.get_total_flops(), 0])

    def leave(part: _Part, args: Any, kwargs: Any, output: Any) -> None:
        start, inner = running.pop()
        spent = counter.get_total_flops() - start
        if running:
            running[-1][1] += spent
        part.is_used = True
        part.products += (spent - inner) // 2
        part.output_shape = _shape_of_one(part.module, output)
        if part.formula is not None:
            inputs = inspect.signature(part.module.forward).bind(*args, **kwargs).arguments
            part.macs += part.formula(part.module, inputs, output)

    def hook(part: _Part) -> Any:
        return lambda module, args, kwargs, output: leave(part, args, kwargs, output)

    handles = []
    for part in parts:
        handles.append(part.module.register_forward_pre_hook(enter))
        handles.append(part.module.register_forward_hook(hook(part), with_kwargs=True))
    try:
        with counter:
            yield
    finally:
        for handle in handles:
            handle.remove()


@contextmanager
def _undisturbed(model: nn.Module) -> Iterator[None]:
    """Evaluate in the block; modes and the global random state are as before after it."""
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        with torch.no_grad(), seeds.isolated(0, "anatomy"):
            yield
    finally:
        for module, mode in modes:
            module.training = mode


def _run(model: nn.Module, shape: tuple[int, ...], dtype: torch.dtype | None) -> None:
    """Run one example of zeros through the network, on copies of its buffers."""
    if any(is_lazy(parameter) for parameter in model.parameters()):
        raise ShapeError(
            "the network has lazy layers that have no shape yet. Run it on one batch first."
        )
    first = next(model.parameters(), torch.empty(0))
    example = torch.zeros(1, *shape, dtype=dtype or first.dtype, device=first.device)
    buffers = {name: buffer.clone() for name, buffer in model.named_buffers()}
    try:
        torch.func.functional_call(model, buffers, (example,))
    except (RuntimeError, ValueError, TypeError, IndexError) as error:
        if isinstance(error, ShapeError):
            raise
        first_line = formats.plain(str(error).strip().partition("\n")[0] or type(error).__name__)
        raise ShapeError(
            f"the network cannot take inputs of shape {tuple(example.shape)}: {first_line}"
        ) from error


def _shape_of_one(module: nn.Module, output: Any) -> tuple[int, ...] | None:
    """Return the shape of the first tensor of an output, without the batch."""
    while isinstance(output, (tuple, list)) and not isinstance(output, PackedSequence) and output:
        output = output[0]
    if isinstance(output, PackedSequence):
        output = output.data
    if not isinstance(output, Tensor):
        return None
    shape = tuple(output.shape)
    # Recurrent layers and attention put time first unless told otherwise.
    is_time_first = getattr(module, "batch_first", True) is False and len(shape) == 3
    return (shape[0], *shape[2:]) if is_time_first else shape[1:]
