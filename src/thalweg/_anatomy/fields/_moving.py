"""Rules of the operations that only move units: what is done to a tensor is done to its field."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from thalweg._anatomy.fields._call import Call, Rule, UntraceableError, tensors_in
from thalweg._anatomy.fields._field import NOWHERE, Field, compact, concatenated, union


def view(call: Call) -> list[Field | None] | Field | None:
    """Reshape, permute, slice, repeat: anything that moves the units of one tensor."""
    given = next(iter(call.args))
    field = call.field(call.args[given])
    if field is None:
        return None
    rest = {name: value for name, value in call.args.items() if name != given}
    func = call.func
    if call.name in ("view", "_unsafe_view", "_reshape_alias"):
        # What is no copy for the tensor may be one for its bounds.
        func, rest = torch.reshape, {"shape": call.outputs[0].shape}
    is_several = call.func._schema.returns[0].type.kind() == "ListType"

    def take(at: int) -> Callable[[Tensor], Tensor]:
        if is_several:
            return lambda tensor: func(tensor, **rest)[at]
        return lambda tensor: func(tensor, **rest)

    moved: list[Field | None] = [field.moved(take(at)) for at in range(len(call.outputs))]
    return moved if is_several else moved[0]


def concatenation(call: Call) -> Field | None:
    """Side by side along a dimension."""
    dim = call.args.get("dim", 0)
    # An empty vector may be concatenated with anything.
    tensors = [each for each in call.args["tensors"] if tuple(each.shape) != (0,)]
    dim %= tensors[0].ndim
    return concatenated([call.field(t) for t in tensors], [t.shape[dim] for t in tensors], dim)


def stack(call: Call) -> Field | None:
    """Side by side along a new dimension."""
    tensors = call.args["tensors"]
    dim = call.args.get("dim", 0) % (tensors[0].ndim + 1)
    fields = [call.field(tensor) for tensor in tensors]
    lifted = [each and each.moved(lambda bound: bound.unsqueeze(dim)) for each in fields]
    return concatenated(lifted, [1] * len(lifted), dim)


def lookup(call: Call) -> Field | None:
    """Rows of a table, by number: each sees what its number does."""
    call.require_constant("weight")
    (numbers,) = call.sees("indices")
    return numbers and numbers.moved(lambda bound: bound.unsqueeze(-1)).shaped(
        call.outputs[0].shape
    )


def indexed(call: Call) -> Field | None:
    """Units picked by numbers; or a constant table, by numbers that depend on the input."""
    names = [name for name in ("index", "indices") if name in call.args]
    numbers = [field for field in call.sees(*names) if field is not None]
    if not numbers:
        return rearranged(call)
    call.require_constant("self", "src", "values")
    if call.name != "index" or any(each is None for each in call.args["indices"]):
        raise UntraceableError
    rank = torch.broadcast_shapes(*(each.shape for each in call.args["indices"]))
    picked = union(numbers, rank)
    assert picked is not None
    table = call.args["self"].ndim - len(call.args["indices"])
    return picked.moved(lambda bound: bound[(..., *(None,) * table)]).shaped(call.outputs[0].shape)


def rearranged(call: Call) -> Field | None:
    """Units of several tensors put into one, some by numbers that are known."""
    fields = [field for field in map(call.field, call.tensors) if field is not None]
    if not fields:
        return None
    numbers = {
        name: _values(call, value)
        for name, value in call.args.items()
        if name in ("index", "indices", "mask") and tensors_in(value)
    }

    def run(at: int) -> Tensor:
        def stand_in(value: Any) -> Any:
            if not isinstance(value, Tensor):
                return value
            field = call.field(value)
            if field is None:
                return torch.full((), NOWHERE, dtype=torch.int32).expand(value.shape)
            return field.bounds[at].expand(field.shape)

        args = {name: numbers.get(name, stand_in(value)) for name, value in call.args.items()}
        first = next(iter(args))
        if call.func._schema.is_mutable:
            args[first] = args[first].clone()
        return compact(call.func(**args).expand(call.outputs[0].shape))

    bounds = tuple(run(at) for at in range(len(fields[0].bounds)))
    return Field(tuple(call.outputs[0].shape), bounds, (None,) * len(fields[0].lines))


def _values(call: Call, value: Any) -> Any:
    if isinstance(value, Tensor):
        return call.value(value)
    return [each if each is None else call.value(each) for each in value]


def columns_as_picture(call: Call) -> Field | None:
    """Columns summed into the units that their windows lie over, as `torch.nn.Fold` has it."""
    field, output = call.field(call.args["self"]), call.outputs[0]
    if field is None:
        return None
    size, rest = call.args["output_size"], dict(list(call.args.items())[2:])
    # Every unit of the picture gets a number from 1, and the columns say where each belongs.
    units = torch.arange(1.0, size[0] * size[1] + 1, dtype=torch.double).view(1, 1, *size)
    places = torch.ops.aten.im2col(units, **rest)[0].long()
    lengths = field.shape[-2:]
    taps = places.repeat(lengths[0] // len(places), 1).flatten()

    def summed(bound: Tensor) -> Tensor:
        columns = bound.expand(field.shape).reshape(
            -1, output.shape[-3], taps.numel() // output.shape[-3]
        )
        within = taps.view(output.shape[-3], -1).expand_as(columns)
        least = columns.new_full((len(columns), output.shape[-3], size[0] * size[1] + 1), NOWHERE)
        least = least.scatter_reduce(2, within, columns, "amin")[..., 1:]
        return compact(least.reshape(output.shape))

    bounds = tuple(summed(each) for each in field.filled().bounds)
    return Field(tuple(output.shape), bounds, (None,) * len(field.lines))


def windows_as_columns(call: Call) -> Field | None:
    """The units under each window as a column, as `torch.nn.Unfold` has it."""
    field = call.field(call.args["self"])
    if field is None:
        return None
    rest = {name: value for name, value in call.args.items() if name != "self"}

    def move(tensor: Tensor) -> Tensor:
        # It fills up with zeros and takes floating-point numbers only.
        shifted = tensor.to(torch.double) + (2 * NOWHERE)
        columns = call.func(shifted, **rest)
        return torch.where(columns == 0, NOWHERE, columns - 2 * NOWHERE).to(torch.int32)

    bounds = tuple(compact(move(bound.expand(field.shape))) for bound in field.bounds)
    return Field(tuple(call.outputs[0].shape), bounds, (None,) * len(field.lines))


RULES: dict[str, Rule] = {
    "cat": concatenation,
    "stack": stack,
    "embedding": lookup,
    "col2im": columns_as_picture,
    "im2col": windows_as_columns,
}
RULES |= dict.fromkeys(("index", "index_select", "gather"), indexed)
RULES |= dict.fromkeys(
    ("index_put", "index_copy", "slice_scatter", "select_scatter", "_index_put_impl"), rearranged
)
RULES |= dict.fromkeys(
    (
        "_reshape_alias",
        "_unsafe_view",
        "channel_shuffle",
        "flip",
        "native_channel_shuffle",
        "pixel_shuffle",
        "pixel_unshuffle",
        "repeat",
        "repeat_interleave",
        "roll",
        "rot90",
        "unsafe_chunk",
        "unsafe_split",
        "unsafe_split_with_sizes",
        "split_with_sizes_copy",
    ),
    view,
)
