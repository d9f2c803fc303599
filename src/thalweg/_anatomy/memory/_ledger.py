"""How many bytes live tensors hold, operation by operation."""

import weakref
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from thalweg._anatomy import _shapes
from thalweg._anatomy.fields import tensors_in


class Ledger(TorchDispatchMode):
    """Counts the bytes of every storage from the operation that makes it until it is freed.

    Views share the storage of their base, which counts once. What a kernel needs for itself and
    frees before it returns is not seen.
    """

    def __init__(self) -> None:
        super().__init__()
        self.live = 0
        """Bytes held now."""
        self.peak = 0
        """The most that was held at once."""
        self._sizes: dict[int, int] = {}
        self._is_open = True

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        # To skip it, torch imports it, which takes two seconds.
        return False

    def enter(self, tensors: Iterable[Tensor]) -> int:
        """Count tensors that are there already, and return how many bytes they added."""
        before = self.live
        for tensor in tensors:
            storage = tensor.untyped_storage()
            key = storage._cdata
            if key not in self._sizes:
                self._sizes[key] = storage.nbytes()
                self.live += self._sizes[key]
                weakref.finalize(storage, self._free, key)
        self.peak = max(self.peak, self.live)
        return self.live - before

    @contextmanager
    def closed(self) -> Iterator[None]:
        """Leave out what comes and goes inside the block."""
        self._is_open = False
        try:
            yield
        finally:
            self._is_open = True

    def _free(self, key: int) -> None:
        self.live -= self._sizes.pop(key, 0)

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        result = None if kwargs else _shapes.result(func, args)
        if result is None:
            result = func(*args, **(kwargs or {}))
        if self._is_open:
            self.enter(tensors_in(result))
        return result


def bytes_of(tensors: Iterable[Tensor]) -> int:
    """Return the bytes of tensors, each storage counted once."""
    storages = {each.untyped_storage()._cdata: each.untyped_storage().nbytes() for each in tensors}
    return sum(storages.values())


def states_of(optimizer: torch.optim.Optimizer) -> list[Tensor]:
    """Return what an optimizer keeps from one step to the next."""
    return [
        value
        for state in optimizer.state.values()
        for value in state.values()
        if isinstance(value, Tensor)
    ]
