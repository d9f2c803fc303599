"""Outputs of a network that is trained at several depths at once."""

from typing import NamedTuple

from torch import Tensor


class Auxiliary(NamedTuple):
    """What a network with auxiliary heads gives while it trains; at prediction it gives `main`.

    Its loss is that of `main` plus `weight` times the sum of those of the heads, so that layers
    far from the end get a gradient of their own (Szegedy et al., 2014).
    """

    main: Tensor
    """What the network gives at prediction."""
    heads: tuple[Tensor, ...]
    """The same, read off maps half-way."""
    weight: float = 0.3
    """Of each head's loss."""
