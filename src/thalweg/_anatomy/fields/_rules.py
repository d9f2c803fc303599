"""What every operation does to the field, by its name or its kind."""

import torch
from torch import Tensor

from thalweg._anatomy.fields import _mixing, _moving, _sliding
from thalweg._anatomy.fields._call import Call, Rule, UntraceableError, ValuesNeededError
from thalweg._anatomy.fields._field import Field, union

# Each output depends on the unit at its own place; torch does not mark them so.
POINTWISE = frozenset(
    {
        "_fused_dropout",
        "_to_copy",
        "alias",
        "contiguous",
        "copy",
        "detach",
        "dropout",
        "lift",
        "lift_fresh",
        "masked_fill",
        "native_dropout",
        "prelu",
        "_prelu_kernel",
        "rrelu_with_noise",
        "to",
        "tril",
        "triu",
    }
)
# What is written over sees nothing any more.
FILLS = frozenset(
    {"fill", "zero", "normal", "uniform", "random", "exponential", "trunc_normal", "zeros_like",
     "ones_like", "empty_like", "full_like", "rand_like", "randn_like", "randint_like",
     "new_zeros", "new_ones", "new_empty", "new_full", "new_empty_strided", "bernoulli"}
)  # fmt: skip


def seen(call: Call) -> list[Field | None]:
    """Return what each output of an operation sees of the input.

    Raises:
        UntraceableError: No rule says so.
    """
    if not any(call.field(tensor) is not None for tensor in call.tensors):
        return [None for _ in call.outputs]
    found = rule(call)(call)
    if isinstance(found, list):
        return found
    if any(found is not None and tuple(each.shape) != found.shape for each in call.outputs[:1]):
        raise UntraceableError
    if found is None:
        return [None for _ in call.outputs]
    everything = range(len(found.shape))
    # What comes beside the result, such as the moments of a normalization, has read all of it.
    return [
        found
        if tuple(each.shape) == found.shape
        else found.mixed(everything).without(everything).shaped(each.shape)
        for each in call.outputs
    ]


def rule(call: Call) -> Rule:
    """Return the rule for an operation.

    Raises:
        UntraceableError: There is none.
    """
    name, tags = call.name, call.func.tags
    if name in RULES:
        return RULES[name]
    if name in FILLS:
        return lambda _: None
    if torch.Tag.pointwise in tags or name in POINTWISE:
        return _pointwise
    if torch.Tag.reduction in tags:
        return _mixing.reduction
    if call.func.is_view or torch.Tag.inplace_view in tags:
        return _moving.view
    raise UntraceableError


def _pointwise(call: Call) -> Field | None:
    shape = call.outputs[0].shape
    tensors = [call.args["src"]] if call.name == "copy" else call.tensors
    masks = _left_out(call)
    fields = [
        field and field.shaped(shape).hiding(masks.get(name))
        for name, field in ((id(each), call.field(each)) for each in tensors)
    ]
    return union(fields, shape)


def _left_out(call: Call) -> dict[int, Tensor]:
    """Return, for arguments of which a known mask takes some units alone, the other units."""
    given = {"where": "condition", "masked_fill": "mask"}.get(call.name)
    if given is None or "self" not in call.args:
        return {}
    try:
        mask = call.value(call.args[given])
    except ValuesNeededError:
        return {}
    if call.name == "masked_fill":
        return {id(call.args["self"]): mask}
    return {id(call.args["self"]): ~mask, id(call.args["other"]): mask}


def _gated(call: Call) -> Field | None:
    """One half of the channels, times a function of the other half."""
    field, dim = call.field(call.args["self"]), call.args.get("dim", -1)
    if field is None:
        return None
    halves = [field.moved(lambda each, at=at: each.chunk(2, dim)[at]) for at in (0, 1)]
    return union(halves, call.outputs[0].shape)


RULES = {**_sliding.RULES, **_mixing.RULES, **_moving.RULES, "glu": _gated}
