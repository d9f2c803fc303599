"""Numbers that do not depend on the input: positions, and masks that hide units from others.

A pass without numbers still needs these. Whatever is made of constants alone is computed beside
it, so that a unit picked by its position is known, and so is one that attention must not see.
"""

from typing import Any

import torch
from torch import Tensor

from thalweg._anatomy._states import State
from thalweg._anatomy.fields import Call, tensors_in

META = torch.device("meta")
MOST = 2**24
"""Numbers of a constant; of a larger one nothing is known."""
LOW = -1e4
"""Added to a score, this or less leaves no share after the softmax, in half precision too."""


def value(call: Call, states: dict[int, State], at: int) -> Tensor | None:
    """Return the numbers of an output; None where they depend on the input, or on chance.

    Args:
        call: The operation.
        states: What is known of its arguments, by their identity.
        at: Which of its outputs.
    """
    output = call.outputs[at]
    is_random = torch.Tag.nondeterministic_seeded in call.func.tags
    is_constant = not any(
        each.fields or each.unknown or each.is_learned for each in states.values()
    )
    if not is_constant or is_random or output.numel() > MOST:
        return None
    if output.device != META:
        return output
    if any(each.value is None for each in states.values()):
        return None
    args = {name: _known(each, states) for name, each in call.args.items()}
    if call.func._schema.is_mutable:
        first = next(iter(args))
        args[first] = args[first].clone()
    return tensors_in(call.func(**args))[at]


def _known(given: Any, states: dict[int, State]) -> Any:
    if isinstance(given, Tensor):
        return states[id(given)].value
    if isinstance(given, (list, tuple)):
        return [_known(each, states) for each in given]
    return torch.device("cpu") if isinstance(given, torch.device) else given


def hidden(call: Call, states: dict[int, State], at: int) -> Tensor | None:
    """Return which scores of an output are so low that a softmax leaves nothing of them."""
    name, args, shape = call.name, call.args, call.outputs[at].shape
    if call.outputs[at].numel() > MOST:
        return None
    found = [_carried(call, states, at), *_lowered(name, args, states)]
    masks = [each for each in found if each is not None and bool(each.any())]
    if not masks:
        return None
    whole = masks[0]
    for mask in masks[1:]:
        whole = whole | mask
    return whole.expand(shape)


def _carried(call: Call, states: dict[int, State], at: int) -> Tensor | None:
    """Return what was hidden already."""
    masked = [each for each in call.tensors if states[id(each)].hidden is not None]
    if len(masked) != 1:
        return None
    (given,) = masked
    mask = states[id(given)].hidden
    assert mask is not None
    if call.func.is_view or call.name == "_unsafe_view":
        rest = dict(list(call.args.items())[1:])
        if call.name in ("view", "_unsafe_view"):
            return mask.reshape(call.outputs[at].shape)
        return tensors_in(call.func(mask, **rest))[at]
    is_kept = torch.Tag.pointwise in call.func.tags or call.name in _SOFTMAX | {"_to_copy"}
    return mask if is_kept else None


def _lowered(name: str, args: dict[str, Any], states: dict[int, State]) -> list[Tensor | None]:
    """Return what the operation itself hides."""

    def low(given: Any) -> Tensor | None:
        if isinstance(given, (int, float)):
            return torch.tensor(given <= LOW)
        state = states.get(id(given))
        return None if state is None or state.value is None else state.value <= LOW

    def chosen(condition: Any, given: Any, *, where: bool) -> Tensor | None:
        mask, lows = states[id(condition)].value, low(given)
        return None if mask is None or lows is None else (mask == where) & lows

    if name == "masked_fill":
        return [chosen(args["mask"], args["value"], where=True)]
    if name == "where" and "self" in args:
        return [
            chosen(args["condition"], args["self"], where=True),
            chosen(args["condition"], args["other"], where=False),
        ]
    if name == "add":
        return [low(args[each]) for each in ("self", "other")]
    return [low(args["self"])] if name == "baddbmm" else []


_SOFTMAX = {"_softmax", "_safe_softmax"}
