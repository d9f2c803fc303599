"""Normalizations that neither a last batch of one example nor half precision stops."""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn


class BatchNorm1d(nn.BatchNorm1d):
    """Batch normalization of features, z ↦ γ (z − mean)/√(variance + ε) + β.

    The moments are the batch's while training and running averages at prediction (Ioffe and
    Szegedy, 2015). A single value has no variance, so torch refuses to train on a batch of one;
    here such a batch is normalized by the running averages, and leaves them as they are.

    Example:
        >>> import torch
        >>> BatchNorm1d(3)(torch.ones(1, 3)).shape
        torch.Size([1, 3])
    """

    def forward(self, input: Float[Tensor, "batch ..."]) -> Float[Tensor, "batch ..."]:  # noqa: A002
        if self.training and input.numel() == self.num_features:
            return _by_running_moments(self, input)
        return super().forward(input)


class BatchNorm2d(nn.BatchNorm2d):
    """Batch normalization of channels; a single value per channel as in `BatchNorm1d`.

    Example:
        >>> import torch
        >>> BatchNorm2d(3)(torch.ones(1, 3, 1, 1)).shape
        torch.Size([1, 3, 1, 1])
    """

    def forward(
        self,
        input: Float[Tensor, "batch channels height width"],  # noqa: A002
    ) -> Float[Tensor, "batch channels height width"]:
        if self.training and input.numel() == self.num_features:
            return _by_running_moments(self, input)
        return super().forward(input)


class LocalResponseNorm(nn.LocalResponseNorm):
    """Normalization over neighbouring channels, z ↦ z/(k + α·mean z²)^β (Krizhevsky et al., 2012).

    Numbers of half precision are computed with in single: torch has no kernel for them on CPUs,
    and four digits are few for a fractional power.

    Example:
        >>> import torch
        >>> LocalResponseNorm(5)(torch.ones(1, 8, 2, 2, dtype=torch.bfloat16)).dtype
        torch.bfloat16
    """

    def forward(self, input: Float[Tensor, "batch ..."]) -> Float[Tensor, "batch ..."]:  # noqa: A002
        wide = input if input.dtype == torch.float64 else input.float()
        return super().forward(wide).to(input.dtype)


def _by_running_moments(norm: nn.BatchNorm1d | nn.BatchNorm2d, values: Tensor) -> Tensor:
    return F.batch_norm(
        values, norm.running_mean, norm.running_var, norm.weight, norm.bias, eps=norm.eps
    )
