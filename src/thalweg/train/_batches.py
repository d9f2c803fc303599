"""Batches: gathered by index from tensors, in an order that is a function of seed and epoch."""

import torch
from jaxtyping import Float, Int, Shaped
from torch import Tensor

from thalweg._core import seeds
from thalweg.data import Augmentation, Encoder, Examples, Rows


def order(examples: int, seed: int, epoch: int, shuffle: bool = True) -> Int[Tensor, " examples"]:
    """Return the order in which an epoch visits the examples.

    Example:
        >>> bool((order(100, 0, epoch=3) == order(100, 0, epoch=3)).all())
        True
        >>> order(3, 0, epoch=0, shuffle=False)
        tensor([0, 1, 2])
    """
    if not shuffle:
        return torch.arange(examples)
    return torch.randperm(examples, generator=seeds.generator(seed, "order", epoch))


def bounds(examples: int, batch_size: int, fewest: int = 1) -> list[tuple[int, int]]:
    """Return where each batch of an epoch begins and ends.

    A last batch with fewer than `fewest` examples joins the one before it: batch
    normalization cannot train on a single example.

    Example:
        >>> bounds(10, 4)
        [(0, 4), (4, 8), (8, 10)]
        >>> bounds(9, 4, fewest=2)
        [(0, 4), (4, 9)]
    """
    starts = list(range(0, examples, batch_size))
    if len(starts) > 1 and examples - starts[-1] < fewest:
        starts.pop()
    return list(zip(starts, [*starts[1:], examples], strict=True))


class Feed:
    """One part of the data where it is computed on, handed out by position.

    Everything lies on the device when it takes at most half of what is free there; else it
    stays in pinned memory and batches travel. What is too large for the memory stays on disk.

    Args:
        examples: The encoded part.
        encoder: How a stored batch becomes the network's input.
        device: Where the network is.
        channels_last: Whether images are laid out with channels innermost.
        augmentation: What `batch` does to each image; `slice` leaves them as they are.
    """

    def __init__(
        self,
        examples: Examples,
        encoder: Encoder,
        device: torch.device,
        channels_last: bool = False,
        augmentation: Augmentation | None = None,
    ) -> None:
        self.augmentation = augmentation
        self.device = device
        self.encoder = encoder
        self.channels_last = channels_last
        inputs = examples.inputs
        self.is_resident = not isinstance(inputs, Rows) and _fits(inputs, device)
        if not isinstance(inputs, Rows):
            inputs = inputs.to(device) if self.is_resident else inputs.pin_memory()
        self.inputs = inputs
        self.targets = examples.targets.to(device)

    def __len__(self) -> int:
        return len(self.targets)

    def begin(self, seed: int, epoch: int) -> None:
        """Draw what an epoch does to each image."""
        if self.augmentation is not None:
            self.draws = self.augmentation.draw(len(self), seed, epoch).to(self.device)

    def batch(
        self, rows: Int[Tensor, " batch"]
    ) -> tuple[Float[Tensor, "batch ..."], Shaped[Tensor, "batch ..."]]:
        """Return the inputs and targets at these positions, ready for the network."""
        if self.is_resident:
            stored = self.inputs.index_select(0, rows)
        else:
            stored = self.inputs.index_select(0, rows.cpu()).to(self.device, non_blocking=True)
        rows = rows.to(self.device)
        if self.augmentation is None:
            inputs = self.encoder.normalize(stored)
        else:
            _, height, width = self.encoder.shape
            inputs = self.augmentation.apply(
                self.encoder.whole(stored),
                self.draws.of(rows),
                (height, width),
                self.encoder.palette,
            )
        return self._lay_out(inputs), self.targets.index_select(0, rows)

    def slice(
        self, start: int, stop: int
    ) -> tuple[Float[Tensor, "batch ..."], Shaped[Tensor, "batch ..."]]:
        """Return neighbouring examples; a copy, since a network may work in place."""
        stored = self.inputs[start:stop].to(self.device, non_blocking=True, copy=True)
        return self._lay_out(self.encoder.normalize(stored)), self.targets[start:stop]

    def _lay_out(self, inputs: Tensor) -> Tensor:
        if self.channels_last and inputs.ndim == 4:
            return inputs.contiguous(memory_format=torch.channels_last)
        return inputs


def _fits(inputs: Tensor, device: torch.device) -> bool:
    if device.type != "cuda":
        return True
    free, _ = torch.cuda.mem_get_info(device)
    return inputs.nbytes <= free // 2
