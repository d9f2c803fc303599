"""Elementary functions of whatever stands for a number.

The four ways to differentiate run the same Python function on different numbers: floats,
symbols of sympy, dual numbers, tensors. Its arithmetic works on all of them by itself; for
the functions of the pocket calculator it calls those of this file.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from thalweg.autodiff._dual import Dual


def exp(x: Any) -> Any:
    """Return eˣ.

    Example:
        >>> exp(0.0), exp(Dual(0.0, 1.0))
        (1.0, Dual(1.0, 1.0))
    """
    return _apply("exp", x, math.exp, lambda x, y: y)


def log(x: Any) -> Any:
    """Return the natural logarithm."""
    return _apply("log", x, math.log, lambda x, y: 1 / x)


def sqrt(x: Any) -> Any:
    """Return √x."""
    return _apply("sqrt", x, math.sqrt, lambda x, y: 0.5 / y)


def sin(x: Any) -> Any:
    """Return the sine of an angle in radians."""
    return _apply("sin", x, math.sin, lambda x, y: math.cos(x))


def cos(x: Any) -> Any:
    """Return the cosine of an angle in radians."""
    return _apply("cos", x, math.cos, lambda x, y: -math.sin(x))


def tanh(x: Any) -> Any:
    """Return the hyperbolic tangent."""
    return _apply("tanh", x, math.tanh, lambda x, y: 1 - y * y)


def sigmoid(x: Any) -> Any:
    """Return 1 / (1 + e^−x), written so that no e^… overflows."""
    return 0.5 * (1 + tanh(0.5 * x))


def maximum(x: Any, y: Any) -> Any:
    """Return the larger of two numbers; where they tie, the gradient is that of the first."""
    if isinstance(x, Tensor) or isinstance(y, Tensor):
        return torch.where(torch.as_tensor(x >= y), x, y)
    if _is_array(x) or _is_array(y):
        first, second = np.broadcast_arrays(x, y)
        pairs = zip(first.flat, second.flat, strict=True)
        return _collect([maximum(*each) for each in pairs], first.shape)
    if _is_symbol(x) or _is_symbol(y):
        import sympy  # Late: a second, and only the symbolic way needs it.

        return sympy.Piecewise((x, x >= y), (y, True))
    return x if x >= y else y


def relu(x: Any) -> Any:
    """Return max(0, x), with slope 0 at 0."""
    return maximum(0 * x, x)


def like(values: Sequence[Any] | Float[np.ndarray, "..."], x: Any) -> Any:
    """Return constants as an array that computes with `x`: a tensor beside tensors.

    Example:
        >>> like([[1.0, 2.0]], torch.ones(2, dtype=torch.float64)) @ torch.ones(2).double()
        tensor([3.], dtype=torch.float64)
    """
    if isinstance(x, Tensor):
        return torch.as_tensor(values, dtype=x.dtype, device=x.device)
    return np.asarray(values)


def _apply(
    name: str, x: Any, value: Callable[[float], float], slope: Callable[[float, float], float]
) -> Any:
    """Return the function of whatever came; `slope` knows x and the function's own value y."""
    if isinstance(x, Tensor):
        return getattr(torch, name)(x)
    if isinstance(x, Dual):
        found = value(x.value)
        return Dual(found, slope(x.value, found) * x.slope)
    if _is_array(x):
        if x.dtype != object:
            return getattr(np, name)(x)
        return _collect([_apply(name, each, value, slope) for each in x.flat], x.shape)
    if _is_symbol(x):
        import sympy

        return getattr(sympy, name)(x)
    return value(x)


def _is_array(x: Any) -> bool:
    return isinstance(x, np.ndarray)


def _is_symbol(x: Any) -> bool:
    return type(x).__module__.startswith("sympy.")


def _collect(values: list[Any], shape: tuple[int, ...]) -> np.ndarray:
    array = np.empty(len(values), dtype=object)
    array[:] = values
    kept = array.reshape(shape)
    is_plain = all(isinstance(each, (int, float)) for each in values)
    return kept.astype(np.float64) if is_plain else kept
