"""The loss of a network as a function of one long vector of weights."""

from collections.abc import Callable
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from thalweg._core import seeds
from thalweg.errors import SettingError


class FlatLoss:
    """A network's loss on one batch, as a function of all weights in a row.

    The network itself, its buffers and the global random state stay as they are; dropout is the
    same at every call. Only `load` writes to it.

    Args:
        model: Any module.
        inputs: A batch as the network gets it.
        targets: What the loss compares with.
        loss: From outputs and targets to a number.

    Raises:
        SettingError: The network has no parameter with `requires_grad`.

    Example:
        >>> loss = FlatLoss(nn.Linear(3, 1), torch.ones(5, 3), torch.ones(5, 1), nn.MSELoss())
        >>> loss.point.shape, loss(torch.zeros(4))
        (torch.Size([4]), tensor(1.))
    """

    def __init__(
        self,
        model: nn.Module,
        inputs: Any,
        targets: Any,
        loss: Callable[[Any, Any], Tensor],
    ) -> None:
        self.model, self.inputs, self.targets, self.loss = model, inputs, targets, loss
        self.parameters = {n: p for n, p in model.named_parameters() if p.requires_grad}
        if not self.parameters:
            raise SettingError("no parameter has requires_grad. Unfreeze one.")

    @property
    def point(self) -> Float[Tensor, " weights"]:
        """The weights as they are, in a row; a copy."""
        return torch.cat([each.detach().flatten() for each in self.parameters.values()])

    def __call__(self, weights: Float[Tensor, " weights"]) -> Float[Tensor, ""]:
        buffers = {name: each.clone() for name, each in self.model.named_buffers()}
        tensors = {**self._split(weights), **buffers}
        with seeds.isolated(0, "flat-loss"):
            outputs = torch.func.functional_call(self.model, tensors, (self.inputs,))
            return self.loss(outputs, self.targets)

    def load(self, weights: Float[Tensor, " weights"]) -> None:
        """Write weights into the network."""
        with torch.no_grad():
            for name, value in self._split(weights).items():
                self.parameters[name].copy_(value)

    def _split(self, weights: Tensor) -> dict[str, Tensor]:
        pieces = weights.split([each.numel() for each in self.parameters.values()])
        pairs = zip(self.parameters.items(), pieces, strict=True)
        return {name: piece.view_as(parameter) for (name, parameter), piece in pairs}
