"""Rules of the operations that mix units along whole dimensions."""

from collections.abc import Sequence
from typing import Any

from torch import Tensor

from thalweg._anatomy.fields._call import Call, Rule, UntraceableError
from thalweg._anatomy.fields._field import Field, compact, union


def reduction(call: Call) -> Field | None:
    """Sums, means, extremes and norms over some dimensions, or over all."""
    field = call.field(call.args["self"])
    if field is None:
        return None
    dims = _dims(call.args.get("dim"), len(field.shape))
    mixed = field.mixed(dims)
    is_kept = call.outputs[0].ndim == len(field.shape)
    return mixed if is_kept else mixed.without(dims)


def along(call: Call) -> Field | None:
    """Softmax, sorting: each output along one dimension sees all of it."""
    field = call.field(call.args["self"])
    if field is None:
        return None
    if "softmax" in call.name:
        field = field.hiding(call.hidden(call.args["self"]))
    shape = call.outputs[0].shape
    dims = _dims(call.args.get("dim", -1), len(field.shape))
    mixed = field.mixed(dims)
    # One that gives the dimension up, such as a median, has a shape of its own.
    return mixed.shaped(shape) if len(shape) == len(field.shape) else mixed.without(dims)


def running(call: Call) -> Field | None:
    """Cumulative sums: each output sees what came before it."""
    field = call.field(call.args["self"])
    if field is None:
        return None
    dim = call.args["dim"] % len(field.shape)
    if len(field.varies(dim)) > 1:
        field = field.filled()
    length = field.shape[dim]
    bounds = tuple(
        compact(bound.cummin(dim).values) if bound.shape[dim] == length else bound
        for bound in field.bounds
    )
    lines = tuple(None if line is not None and line.dim == dim else line for line in field.lines)
    return Field(field.shape, bounds, lines)


def layer_norm(call: Call) -> Field | None:
    """Each output sees all that it is normalized with."""
    field = call.field(call.args["input"])
    if field is None:
        return None
    return field.mixed(range(-len(call.args["normalized_shape"]), 0)).shaped(field.shape)


def group_norm(call: Call) -> Field | None:
    """All places, and the channels of a group."""
    field = call.field(call.args["input"])
    if field is None:
        return None
    groups = call.args["group"]
    mixed = field.mixed(range(2, len(field.shape)))
    if groups == 1 or not mixed.varies(1):
        return mixed.mixed([1]).shaped(field.shape)
    raise UntraceableError


def batch_norm(call: Call) -> Field | None:
    """Unit by unit, except with the moments of the batch itself."""
    field = call.field(call.args["input"])
    if field is None or not call.args.get("training", call.args.get("train", False)):
        return field
    return field.mixed([dim for dim in range(len(field.shape)) if dim != 1]).shaped(field.shape)


def product(call: Call, left: str, right: str, added: str | None = None) -> Field | None:
    """Matrix products: a row of the one, a column of the other."""
    shape = call.outputs[0].shape
    one, other = call.field(call.args[left]), call.field(call.args[right])
    rows = one and one.mixed([-1])
    if other is None or len(other.shape) == 1:
        columns = other and other.mixed([0]).without([0])
        rows = rows and (rows.without([-1]) if len(shape) < len(rows.shape) else rows)
    else:
        columns = _summed(other, call.hidden(call.args[left]))
    return union([rows, columns, *(call.sees(added) if added else [])], shape)


def _summed(field: Field, hidden: Tensor | None) -> Field:
    """Return the field of sums over rows, each sum without the rows that are hidden from it."""
    if hidden is None:
        return field.mixed([-2])
    *batch, sums, rows = hidden.shape
    seen = [*batch, sums, rows, field.shape[-1]]
    spread = Field(
        tuple(seen),
        tuple(each.unsqueeze(-3).expand(*each.shape[:-2], sums, rows, -1) for each in field.bounds),
        (None,) * len(field.lines),
    )
    return spread.hiding(hidden.unsqueeze(-1)).mixed([-2]).without([-2])


def bilinear(call: Call) -> Field | None:
    """Every output mixes the features of both inputs."""
    call.require_constant("i2")
    shape = call.outputs[0].shape
    if call.args["sumdim"] != [2, 3]:
        raise UntraceableError
    return union([field and field.mixed([-1]) for field in call.sees("i1", "i3")], shape)


def _dims(given: Any, rank: int) -> Sequence[int]:
    if given is None or given == []:
        return range(rank)
    return given if isinstance(given, (list, tuple)) else [given]


def _named(left: str, right: str, added: str | None = None) -> Rule:
    return lambda call: product(call, left, right, added)


RULES: dict[str, Rule] = {
    "mm": _named("self", "mat2"),
    "bmm": _named("self", "mat2"),
    "addmm": _named("mat1", "mat2", "self"),
    "baddbmm": _named("batch1", "batch2", "self"),
    "mv": _named("self", "vec"),
    "addmv": _named("mat", "vec", "self"),
    "dot": _named("self", "tensor"),
    "vdot": _named("self", "other"),
    "_trilinear": bilinear,
    "native_layer_norm": layer_norm,
    "native_group_norm": group_norm,
    "linalg_vector_norm": reduction,
    "logsumexp": reduction,
    "cumsum": running,
    "cumprod": running,
    "cummax": running,
    "cummin": running,
    "logcumsumexp": running,
}
RULES |= dict.fromkeys(
    ("_softmax", "_log_softmax", "_safe_softmax", "sort", "topk", "argsort", "median", "kthvalue"),
    along,
)
RULES |= dict.fromkeys(
    (
        "native_batch_norm",
        "_native_batch_norm_legit",
        "_native_batch_norm_legit_no_training",
        "cudnn_batch_norm",
    ),
    batch_norm,
)
