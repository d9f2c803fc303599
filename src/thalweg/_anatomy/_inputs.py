"""One example of zeros, or the user's own."""

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from thalweg._core import formats
from thalweg.errors import SettingError, ShapeError

MOST = 2**31
"""Numbers of an example; more than any network takes at once."""


def examples(model: nn.Module, given: Any, dtype: torch.dtype | None = None) -> list[Tensor]:
    """Return the inputs of a network for one example, without numbers where none were given.

    Args:
        model: The network; says the type of numbers.
        given: The shape of one example without the batch, an example in a batch, or a tuple with
            one of these for each input.
        dtype: Of numbers where a shape is given. By default that of the parameters.

    Raises:
        SettingError: It is none of these.
        ShapeError: The network has no shape itself yet.
    """
    if any(isinstance(module, torch.jit.ScriptModule) for module in model.modules()):
        raise SettingError(
            "a scripted network cannot be taken apart. Hand over the module it was made from."
        )
    if any(is_lazy(parameter) for parameter in model.parameters()):
        raise ShapeError(
            "the network has lazy layers that have no shape yet. Run it on one batch first."
        )
    several = given if _is_several(given) else [given]
    return [_example(model, each, dtype) for each in several]


def _is_several(given: Any) -> bool:
    is_list = isinstance(given, (tuple, list)) and not isinstance(given, torch.Size)
    return is_list and len(given) > 0 and not all(isinstance(each, int) for each in given)


def _example(model: nn.Module, given: Any, dtype: torch.dtype | None) -> Tensor:
    if isinstance(given, Tensor):
        if given.ndim == 0:
            raise SettingError(
                "an example tensor must have a batch dimension, got a single number."
            )
        return given[:1].detach()
    sizes = [given] if isinstance(given, int) else given
    is_shape = isinstance(sizes, Sequence) and all(isinstance(each, int) for each in sizes)
    if not is_shape or any(isinstance(each, bool) or each < 1 for each in sizes):
        raise SettingError(
            "the input must be the shape of one example, such as (3, 224, 224), or a tensor with "
            f"a batch of examples; got {formats.plain(repr(given))}."
        )
    if math.prod(sizes) > MOST:
        raise SettingError(
            f"an example of {formats.count(math.prod(sizes))} numbers fits no machine. Give the "
            "shape of one example, such as (3, 224, 224)."
        )
    floats = [each.dtype for each in model.parameters() if each.is_floating_point()]
    kind = dtype or (floats[0] if floats else torch.get_default_dtype())
    return torch.empty((1, *sizes), dtype=kind, device="meta")
