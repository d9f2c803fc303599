"""Arrays of pictures, eight bits per channel."""

from typing import Any

import numpy as np
import torch
from jaxtyping import UInt8
from torch import Tensor

from thalweg._core.choices import Choice
from thalweg.data._inputs import row_names
from thalweg.data._parts import parts_of
from thalweg.data._source import Raw, Source, sources
from thalweg.data._target_values import as_targets, per_example
from thalweg.data.images._images import ImageInputs
from thalweg.data.images._pictures import as_pictures
from thalweg.errors import ShapeError


def are_pictures(data: Any) -> bool:
    """Return True for an array or tensor of bytes with the axes of several pictures."""
    is_bytes = (isinstance(data, np.ndarray) and data.dtype == np.uint8) or (
        isinstance(data, Tensor) and data.dtype == torch.uint8
    )
    return is_bytes and data.ndim in (3, 4)


def picture_inputs(
    values: UInt8[np.ndarray, "examples ..."], standardize: str = "train"
) -> tuple[ImageInputs, Choice]:
    """Return an array of bytes as pictures, and that it was read so.

    Raises:
        ShapeError: Its four axes are not those of pictures.
    """
    inputs = ImageInputs(as_pictures(values), standardize=standardize)
    channels, height, width = inputs.values.shape[1:]
    if min(height, width) == 0:
        raise ShapeError(f"pictures must have at least one pixel, got shape {values.shape}.")
    kind = "grey" if channels == 1 else "colour"
    reason = f"bytes (uint8) are {height}×{width} {kind} pictures; pass floats for anything else"
    return inputs, Choice("inputs", "pictures", reason)


def _read(
    data: Any,
    target: Any,
    *,
    group: Any = None,
    time: Any = None,
    parts: Any = None,
    standardize: str = "train",
) -> Raw:
    values = data.detach().cpu().numpy() if isinstance(data, Tensor) else data
    inputs, choice = picture_inputs(values, standardize)
    return Raw(
        inputs=inputs,
        targets=as_targets(target, len(inputs)),
        names=row_names(len(inputs)),
        parts=parts_of(parts, len(inputs)),
        groups=per_example(group, len(inputs), "group"),
        times=per_example(time, len(inputs), "time"),
        choices=[choice],
    )


sources.register("image arrays", summary="arrays of pictures in uint8, tw.load(X, y)")(
    Source(are_pictures, _read)
)
