"""What chance has in store for each picture of an epoch."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int, Shaped
from torch import Tensor

from thalweg._core import seeds

Uniform = Callable[[int], Float[Tensor, "pictures numbers"]]
"""Returns so many numbers between 0 and 1 for each picture."""

LEVELS = 2**16
_LOW = LEVELS - 1
# The multiplier of a hash of 32 bits that mixes well.
_FACTOR = 0x45D9F3B


@dataclass(frozen=True)
class Draws:
    """Random numbers by what they are for, a row for each picture.

    What is large, such as the noise of every pixel, is no row here: it is computed in the batch
    from the picture's key.
    """

    values: dict[str, Shaped[Tensor, "pictures ..."]]
    number: int
    """How many pictures."""

    @property
    def device(self) -> torch.device:
        """Where the numbers are."""
        return next((each.device for each in self.values.values()), torch.device("cpu"))

    def __getitem__(self, name: str) -> Shaped[Tensor, "pictures ..."]:
        return self.values[name]

    def __contains__(self, name: str) -> bool:
        return name in self.values

    def of(self, rows: Int[Tensor, " batch"]) -> "Draws":
        """Return what some of the pictures go through."""
        values = {name: each.index_select(0, rows) for name, each in self.values.items()}
        return Draws(values, len(rows))

    def to(self, device: torch.device) -> "Draws":
        """Return the same numbers on a device."""
        values = {name: each.to(device) for name, each in self.values.items()}
        return Draws(values, self.number)


def stream(pictures: int, seed: int, *name: str | int) -> Uniform:
    """Return a stream of its own: drawing more for one purpose never shifts another."""
    generator = seeds.generator(seed, "augmentation", *name)
    return lambda numbers: torch.rand(pictures, numbers, generator=generator)


def new_keys(uniform: Uniform) -> Int[Tensor, "pictures 2"]:
    """Return 2 × 24 random bits for each picture, from which `hashed` makes any number more."""
    return (uniform(2) * 2**24).int()


def hashed(keys: Int[Tensor, "batch 2"], numbers: int) -> Int[Tensor, "batch numbers"]:
    """Return whole numbers below `LEVELS` that depend on a picture's key alone.

    A counter is mixed with the key, as in random number generators that have no state (Salmon
    et al., 2011): whatever batch a picture comes in, and on whatever device, its numbers are the
    same.
    """
    counter = torch.arange(-(-numbers // 2), dtype=torch.int32, device=keys.device)
    bits = _mixed(_mixed(counter ^ keys[:, :1]).bitwise_xor_(keys[:, 1:]))
    # Each has 32 bits: two numbers.
    return torch.cat([bits & _LOW, (bits >> 16) & _LOW], dim=1)[:, :numbers]


def _mixed(bits: Int[Tensor, "..."]) -> Int[Tensor, "..."]:
    """Return 32 bits for 32 bits, all of which depend on all; products wrap around."""
    bits = bits.clone()
    for _ in range(2):
        bits.bitwise_xor_((bits >> 16).bitwise_and_(_LOW)).mul_(_FACTOR)
    return bits.bitwise_xor_((bits >> 16).bitwise_and_(_LOW))
