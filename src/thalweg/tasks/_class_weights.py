"""Weights that make rare classes count."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from thalweg._core import formats
from thalweg.data import Target
from thalweg.errors import SettingError

ClassWeights = str | float | Sequence[str | float] | np.ndarray | Tensor | None
"""What a user may write; all but "balanced" and one number per class is refused here."""


def plain(given: ClassWeights) -> Any:
    """Return the weights as settings can keep them: an array as a list."""
    return given.tolist() if isinstance(given, (np.ndarray, Tensor)) else given


def class_weights(target: Target, given: ClassWeights) -> Float[Tensor, " classes"] | None:
    """Return the weight of each class; None when all weigh one.

    "balanced" is n / (K·nₖ) for class k with nₖ of the n training examples and K classes:
    every class then has the same total weight, and the mean weight is one.

    Raises:
        SettingError: Not one positive number per class.

    Example:
        >>> import torch
        >>> target = Target("category", ("sex",), ("f", "m"), counts=(30, 10))
        >>> class_weights(target, "balanced")
        tensor([0.6667, 2.0000])
    """
    given = plain(given)
    if given is None:
        return None
    if given == "balanced":
        return _balanced(target)
    classes = len(target.classes)
    if not isinstance(given, (list, tuple)) or not all(map(_is_positive, given)):
        got = formats.plain(repr(given))
        raise SettingError(
            f"class_weights must be 'balanced' or {classes} positive numbers, got {got}."
        )
    if len(given) != classes:
        raise SettingError(
            f"class_weights must have {classes} numbers, one for each of "
            f"{formats.plain(list(target.classes))}, got {len(given)}."
        )
    return torch.tensor([float(weight) for weight in given])


def _balanced(target: Target) -> Float[Tensor, " classes"]:
    present = sum(count > 0 for count in target.counts)
    total = sum(target.counts)
    # A class without training examples is never weighed while training; one keeps it finite.
    return torch.tensor([total / (present * count) if count else 1.0 for count in target.counts])


def _is_positive(value: Any) -> bool:
    return isinstance(value, (int, float)) and math.isfinite(value) and value > 0
