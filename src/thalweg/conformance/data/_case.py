"""What the checks of data work on."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from thalweg.conformance._suite import Suite
from thalweg.data import Splits

SPLITS: "Suite[SplitsCase]" = Suite("data")
"""Every check of data."""


@dataclass(frozen=True)
class SplitsCase:
    """Loaded data, and where they came from; the checks change nothing of them."""

    splits: Splits
    reload: Callable[[], Splits] | None
    """Loads the data again; None where nothing does."""
    given: Any = None
    """Arrays, a frame, a file or a folder that was loaded; None of anything else."""
    before: bytes | None = None
    """Digest of what was given, taken before it was loaded."""
    digest: Callable[[], bytes | None] = lambda: None
    """Takes it again."""
