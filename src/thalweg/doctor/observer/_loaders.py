"""What is known of the loaders that the loop iterates over."""

from typing import Any

from torch.utils.data import DataLoader, SequentialSampler

from thalweg.doctor.record import LoaderFacts, Record


class Loaders:
    """Writes every loader once, with how often an iteration over it began.

    Args:
        record: Where to write it.
    """

    def __init__(self, record: Record) -> None:
        self.record = record
        self.known: dict[int, LoaderFacts] = {}

    def add(self, loader: DataLoader) -> None:
        """Count an iteration that begins."""
        if id(loader) not in self.known:
            self.known[id(loader)] = LoaderFacts(
                examples=_length(loader.dataset),
                batch_size=loader.batch_size,
                is_shuffled=not isinstance(loader.sampler, SequentialSampler),
                workers=loader.num_workers,
            )
            self.record.loaders.append(self.known[id(loader)])
        self.known[id(loader)].iterators += 1


def _length(dataset: Any) -> int | None:
    """Return how many examples a data set has; None where it does not know."""
    try:
        return len(dataset)
    except (TypeError, NotImplementedError):
        return None
