"""Whether the units of a layer differ."""

import torch
from torch import Tensor

# Rows and columns that are enough to tell whether units are equal.
MOST_UNITS = 256


@torch.no_grad()
def spreads(weights: dict[str, Tensor]) -> dict[str, float]:
    """Return the share of each matrix in which its units differ, with one wait for the device.

    Units are rows, or columns where these differ less, for hand-made layers keep them so. What
    is no matrix is left out.

    Example:
        >>> spreads({"equal": torch.ones(3, 4), "other": torch.tensor([[1.0, -1.0], [-1.0, 1.0]])})
        {'equal': 0.0, 'other': 1.0}
    """
    found = {}
    for name, weight in weights.items():
        if weight.ndim > 1 and weight.is_floating_point() and not weight.is_sparse:
            matrix = weight.detach().flatten(1)
            if min(matrix.shape) > 1:
                found[name] = _spread(matrix)
    if not found:
        return {}
    first = next(iter(found.values()))
    values = torch.stack([each.to(first.device) for each in found.values()]).tolist()
    return dict(zip(found, values, strict=True))


def _spread(matrix: Tensor) -> Tensor:
    rows, columns = matrix.shape
    # Recurrent layers keep their gates, and attention its three projections, one above another.
    gates = rows // columns if rows in (3 * columns, 4 * columns) else 1
    some = matrix.reshape(gates, rows // gates, columns)[:, :MOST_UNITS, :MOST_UNITS].float()
    differing = [torch.linalg.vector_norm(some - some.mean(axis, keepdim=True)) for axis in (1, 2)]
    # A matrix of zeros has no size, and equal units.
    size = torch.linalg.vector_norm(some).clamp(min=torch.finfo(torch.float32).tiny)
    return torch.minimum(*differing) / size
