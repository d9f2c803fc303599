"""Which examples were trained on, by their digests."""

from collections.abc import Iterable

from torch import Tensor

from thalweg.doctor.probes import _inputs
from thalweg.doctor.record import Evaluation, Record

MOST_ROWS = 200_000
MOST_FORWARDS = 64


class Examples:
    """Counts the different examples of training, and knows them again.

    Args:
        record: Where to write the counts.
    """

    def __init__(self, record: Record) -> None:
        self.record = record
        self.rows: set[float] = set()

    def add(self, rows: Iterable[float]) -> None:
        """Count examples that were trained on."""
        if len(self.rows) < MOST_ROWS:
            rows = list(rows)
            self.record.looked_rows += len(rows)
            self.rows.update(rows)
        self.record.different_rows = len(self.rows)

    def look_up(self, given: Tensor, now: Evaluation) -> None:
        """Count how many examples of a pass without gradients were trained on."""
        digests = _inputs.digests(given) if given.ndim > 1 else []
        seen = sum(digest in self.rows for digest in digests)
        now.rows += len(digests)
        now.seen_rows += seen
        if len(now.by_forward) < MOST_FORWARDS:
            now.by_forward.append((len(digests), seen))
