"""Which part each example is for, where the data say so."""

from typing import Any

import numpy as np
from jaxtyping import Shaped

from thalweg.data._target_values import per_example

# How people call the three parts, in the names of folders, files and arrays, and in columns.
PART_NAMES = {
    "train": "train",
    "training": "train",
    "valid": "valid",
    "val": "valid",
    "validation": "valid",
    "dev": "valid",
    "test": "test",
    "testing": "test",
    "t10k": "test",
}


def parts_of(values: Any, examples: int) -> Shaped[np.ndarray, " examples"] | None:
    """Return the part of each example by our names; "" where there is none.

    Raises:
        ShapeError: There are more or fewer entries than examples.

    Example:
        >>> parts_of(["Train", "validation", None], 3).tolist()
        ['train', 'valid', '']
    """
    entries = per_example(values, examples, "parts")
    if entries is None:
        return None
    words = ["" if entry is None or entry != entry else str(entry) for entry in entries.tolist()]
    return np.array([PART_NAMES.get(word.strip().lower(), word) for word in words], dtype=object)
