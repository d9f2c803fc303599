"""Highway layers: a gate says how much of its input a layer lets pass."""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from thalweg.nn._initialization import initialize


class Highway(nn.Module):
    """t·relu(W x + b) + (1 − t)·x with the gate t = σ(W' x + b') (Srivastava et al., 2015).

    Args:
        features: Numbers taken and given per example.
        carry: How far the gate is closed at first, −b': with 2 it lets 88 % of x pass, so
            that a deep network begins close to the identity.

    Example:
        >>> layer = Highway(4, carry=100)
        >>> torch.equal(layer(torch.ones(1, 4)), torch.ones(1, 4))
        True
    """

    def __init__(self, features: int, carry: float = 2.0) -> None:
        super().__init__()
        self.transform = nn.Linear(features, features)
        self.gate = nn.Linear(features, features)
        initialize(self.transform, "kaiming")
        initialize(self.gate, "lecun")
        nn.init.constant_(self.gate.bias, -carry)

    def forward(self, inputs: Float[Tensor, "batch features"]) -> Float[Tensor, "batch features"]:
        gate = torch.sigmoid(self.gate(inputs))
        return inputs + gate * (F.relu(self.transform(inputs)) - inputs)
