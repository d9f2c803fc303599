"""What files of arrays have in common: sizes that are checked before they are believed, parts."""

from collections.abc import Mapping

import numpy as np

from thalweg._core import formats, memory
from thalweg._core.choices import Choice
from thalweg.data._inputs import Inputs
from thalweg.data._source import Raw
from thalweg.data._target_values import as_targets
from thalweg.data.arrays._arrays import ArrayInputs, as_numbers
from thalweg.data.images._image_arrays import are_pictures, picture_inputs
from thalweg.errors import DataError

# Bytes beyond which a promise is no number any more: sixteen exbibytes.
MOST_SHOWN = 2**64
# Deflate, which gzip and zip use, cannot shrink further than this.
MOST_DEFLATED = 1032
# The parts are cut out of the whole, so that everything is there twice for a moment.
MEMORY_SHARE = 0.5


def check_declared(declared: int, stored: int, *, is_packed: bool) -> None:
    """Refuse an array whose declared size the file cannot hold, before memory is taken.

    Args:
        declared: Bytes that the array is said to have.
        stored: Bytes that the file has for it.
        is_packed: Whether these are compressed.

    Raises:
        DataError: In a few words, to which the caller adds the name.
    """
    if declared > stored * (MOST_DEFLATED if is_packed else 1):
        raise DataError(
            f"it promises {formats.size(min(declared, MOST_SHOWN))} in {formats.size(stored)} of "
            "file, so it is cut short or damaged"
        )
    limit = MEMORY_SHARE * memory.available()
    if declared > limit:
        raise DataError(
            f"it takes {formats.size(declared)}, more than half of the "
            f"{formats.size(limit / MEMORY_SHARE)} of memory available"
        )


def join_parts(found: Mapping[str, tuple[np.ndarray, np.ndarray]], name: str) -> Raw:
    """Return the inputs and targets of one or several parts as one.

    Args:
        found: Inputs and targets by part; "" where the file names none.
        name: What messages call the file.

    Raises:
        DataError: The parts differ in shape, or hold no examples.
    """
    shapes = {part: values.shape[1:] for part, (values, _) in found.items()}
    if len(set(shapes.values())) > 1:
        raise DataError(f"the parts in {name} must have one shape, got {formats.plain(shapes)}.")
    if not any(len(values) for values, _ in found.values()):
        raise DataError(f"{name} holds no examples.")
    targets = [as_targets(target, len(values)) for values, target in found.values()]
    inputs, choices = as_inputs(np.concatenate([values for values, _ in found.values()]))
    lengths = [len(values) for values, _ in found.values()]
    return Raw(
        inputs=inputs,
        targets=np.concatenate(targets),
        names=tuple(
            f"{part or 'row'} {row}"
            for part, length in zip(found, lengths, strict=True)
            for row in range(length)
        ),
        parts=np.repeat(list(found), lengths) if len(found) > 1 else None,
        choices=choices,
    )


def as_inputs(values: np.ndarray) -> tuple[Inputs, list[Choice]]:
    """Return an array as pictures if it looks like them, else as numbers."""
    if are_pictures(values):
        inputs, choice = picture_inputs(values)
        return inputs, [choice]
    return ArrayInputs(as_numbers(values, "the inputs")), []
