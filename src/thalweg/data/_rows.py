"""Examples that stay on disk and are read a batch at a time."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from jaxtyping import Int, Shaped
from torch import Tensor


class Rows:
    """Some rows of a tensor that is mapped from a file, gathered when they are asked for.

    Stands where a tensor of examples stands, as far as examples are looked at: by position, by
    slice, by several positions. What is returned is a copy in memory.

    Args:
        mapped: All rows of the file.
        rows: Which of them, in which order; all by default.
        stays: Whether they are too many to be held in memory at once.

    Example:
        >>> rows = Rows(torch.arange(10).reshape(5, 2), torch.tensor([4, 0]))
        >>> len(rows), rows[0], rows[:1]
        (2, tensor([8, 9]), tensor([[8, 9]]))
    """

    def __init__(
        self,
        mapped: Shaped[Tensor, "all ..."],
        rows: Int[Tensor, " rows"] | None = None,
        stays: bool = True,
    ) -> None:
        self._mapped = mapped
        self._rows = torch.arange(len(mapped)) if rows is None else rows
        self.stays = stays

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, which: Any) -> Tensor:
        if isinstance(which, int):
            return self._mapped[int(self._rows[which])].clone()
        return self._mapped.index_select(0, self._rows[which])

    def __iter__(self) -> Iterator[Tensor]:
        return (self[row] for row in range(len(self)))

    def index_select(self, dim: int, index: Int[Tensor, " batch"]) -> Tensor:
        """Return some rows, as `torch.Tensor.index_select` does."""
        assert dim == 0
        return self[index]

    def split(self, size: int) -> Iterator[Tensor]:
        """Yield neighbouring rows, so many at a time."""
        return (self[start : start + size] for start in range(0, len(self), size))

    def select(self, rows: Int[np.ndarray, " rows"]) -> "Rows":
        """Return some of the rows, still on disk."""
        return Rows(self._mapped, self._rows[torch.from_numpy(rows)], self.stays)

    @property
    def shape(self) -> torch.Size:
        """Of all rows together."""
        return torch.Size((len(self), *self._mapped.shape[1:]))

    @property
    def ndim(self) -> int:
        """How many axes there are."""
        return self._mapped.ndim

    @property
    def dtype(self) -> torch.dtype:
        """Of the numbers."""
        return self._mapped.dtype

    @property
    def device(self) -> torch.device:
        """Where rows are when they have been read."""
        return self._mapped.device

    @property
    def nbytes(self) -> int:
        """Bytes of all rows."""
        return self.shape.numel() * self._mapped.element_size()
