"""The results of the commonest operations, without numbers.

For these torch has nothing on its meta device but programs in Python, which take two seconds to
import and most of the time of a pass. What does not fit is left to torch, whose message it is.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

META = torch.device("meta")
aten = torch.ops.aten


def result(func: Any, args: tuple[Any, ...]) -> Any:
    """Return what an operation gives; None where it is left to torch."""
    known = _RESULTS.get(func)
    if known is None or not all(each.device == META for each in args if isinstance(each, Tensor)):
        return None
    return known(*args)


def _convolution(given: Tensor, weight: Tensor, *rest: Any) -> Tensor | None:
    _, stride, padding, dilation, transposed, _, groups = rest
    if given.ndim != weight.ndim or given.shape[1] != weight.shape[1] * groups or transposed:
        return None
    dims = len(stride)
    lengths = [
        (given.shape[2 + at] + 2 * padding[at] - dilation[at] * (weight.shape[2 + at] - 1) - 1)
        // stride[at]
        + 1
        for at in range(dims)
    ]
    fits = min(lengths, default=1) > 0 and given.dtype == weight.dtype
    return given.new_empty(given.shape[0], weight.shape[0], *lengths) if fits else None


def _normalized(given: Tensor, *rest: Any) -> tuple[Tensor, Tensor, Tensor] | None:
    weight, _, mean, _, is_training, *_ = rest
    for each in (weight, mean):
        if each is not None and each.shape[0] != given.shape[1]:
            return None
    moments = given.new_empty(given.shape[1] if is_training else 0)
    return torch.empty_like(given), moments, torch.empty_like(moments)


def _normalized_backward(
    slope: Tensor, given: Tensor, *rest: Any
) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
    wanted = rest[-1]
    return (
        torch.empty_like(given) if wanted[0] else None,
        given.new_empty(given.shape[1]) if wanted[1] else None,
        given.new_empty(given.shape[1]) if wanted[2] else None,
    )


def _product(left: Tensor, right: Tensor) -> Tensor | None:
    fits = left.shape[-1] == right.shape[-2] and left.shape[:-2] == right.shape[:-2]
    fits = fits and left.dtype == right.dtype
    return left.new_empty(*left.shape[:-1], right.shape[-1]) if fits else None


def _added(bias: Tensor, left: Tensor, right: Tensor, *rest: Any) -> Tensor | None:
    return _product(left, right) if bias.shape[-1:] in (right.shape[-1:], (1,)) else None


def _together(left: Tensor, right: Any, *rest: Any) -> Tensor | None:
    if not isinstance(right, Tensor) or right.dtype != left.dtype or left.shape != right.shape:
        return None
    return torch.empty_like(left)


_RESULTS: dict[Any, Callable[..., Any]] = {
    aten.convolution.default: _convolution,
    aten.native_batch_norm.default: _normalized,
    aten.native_batch_norm_backward.default: _normalized_backward,
    aten.threshold_backward.default: lambda slope, given, threshold: torch.empty_like(slope),
    aten.mm.default: _product,
    aten.bmm.default: _product,
    aten.addmm.default: _added,
    aten.add.Tensor: _together,
    aten.mul.Tensor: _together,
    aten.relu.default: torch.empty_like,
    aten.relu_.default: lambda given: given,
}
