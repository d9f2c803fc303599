"""A function of one row of numbers, counted while it is differentiated."""

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torch.overrides import TorchFunctionMode

from thalweg.errors import SettingError, ShapeError

Function = Callable[[Any], Any]
"""From a one-dimensional array to one number or several."""

Jacobian = Float[np.ndarray, "outputs inputs"]
"""How much each output changes with each input."""

# What a function raises that cannot compute with the numbers it is given: symbols have no
# truth value, torch takes no array, an operation is not known for duals, floats divide by zero.
UNSUITABLE = (
    ArithmeticError,
    AttributeError,
    NotImplementedError,
    TypeError,
    ValueError,
    RuntimeError,
)
# What makes a plain number of a tensor, of which autograd knows nothing any more.
LEAVING = frozenset({"__complex__", "__float__", "item", "tolist"})


class Counted:
    """A function that counts its evaluations, and the passes back through them.

    Args:
        function: From one row of numbers to one number or several.

    Raises:
        SettingError: The function takes several arguments.
    """

    def __init__(self, function: Function) -> None:
        if (needed := _needed(function)) > 1:
            raise SettingError(
                f"the function must take one row of numbers, and it takes {needed} arguments. "
                "Write lambda x: function(x[0], x[1], …)."
            )
        self.function = function
        self.evaluations = 0
        self.backward_passes = 0

    def __call__(self, numbers: Any) -> Any:
        """Return the outputs as the function gives them."""
        self.evaluations += 1
        return self.function(numbers)


def _needed(function: Function) -> int:
    """Return how many arguments a function must be given; one where Python cannot tell."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return 1
    by_place = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return sum(each.kind in by_place and each.default is each.empty for each in parameters)


def to_list(outputs: Any) -> list[Any]:
    """Return a function's outputs one by one."""
    if isinstance(outputs, (np.ndarray, Tensor)):
        return list(outputs.reshape(-1))
    return list(outputs) if isinstance(outputs, (list, tuple)) else [outputs]


def to_row(outputs: Any) -> Float[Tensor, " outputs"]:
    """Return a function's outputs, computed on tensors, as one tensor."""
    if isinstance(outputs, Tensor):
        return outputs.reshape(-1).double()
    return torch.stack([torch.as_tensor(each, dtype=torch.float64) for each in to_list(outputs)])


def check_stays(function: Counted, point: Float[np.ndarray, " inputs"]) -> None:
    """Refuse a function that leaves torch on the way: slopes would be lost in silence.

    Raises:
        TypeError: It makes a plain number of a tensor, as the functions of `math` do.
    """
    with torch.no_grad(), _Staying():
        function(to_tensor(point))


class _Staying(TorchFunctionMode):
    """Refuses to make plain numbers of tensors."""

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        if getattr(func, "__name__", "") in LEAVING:
            raise TypeError(
                "it makes a plain number of a tensor, whose slope is lost. For math.sin write sin "
                "of thalweg.autodiff, and likewise for the others; leave out float() and .item()."
            )
        return func(*args, **(kwargs or {}))


def to_tensor(point: Float[np.ndarray, " inputs"]) -> Float[Tensor, " inputs"]:
    """Return the point as torch's numbers, in double precision."""
    return torch.from_numpy(point.copy())


def floats(function: Counted, point: Float[np.ndarray, " inputs"]) -> Callable[[Any], np.ndarray]:
    """Return the function on floats; one that takes tensors alone gets them."""

    def on_arrays(numbers: np.ndarray) -> np.ndarray:
        return np.array(to_list(function(numbers)), dtype=np.float64)

    def on_tensors(numbers: np.ndarray) -> np.ndarray:
        with torch.no_grad():
            return to_row(function(to_tensor(numbers))).numpy()

    try:
        on_arrays(point)
    except UNSUITABLE:
        return on_tensors
    return on_arrays


def as_point(point: Sequence[float] | Tensor | np.ndarray | float) -> np.ndarray:
    """Return where to differentiate as a row of double-precision numbers.

    Raises:
        ShapeError: It is no row of numbers.
        SettingError: A number is not finite.
    """
    if isinstance(point, Tensor):
        point = point.detach().cpu().numpy()
    row = np.atleast_1d(np.asarray(point, dtype=np.float64))
    if row.ndim != 1 or not row.size:
        raise ShapeError(
            f"the point must be a row of at least one number, got shape {row.shape}. "
            "Let the function reshape its argument."
        )
    if not np.isfinite(row).all():
        raise SettingError("the point must have finite numbers only. Move it to where f is smooth.")
    return row
