"""What an optimizer step did: the gradients it got, the weights before and after."""

import torch
from torch import Tensor
from torch.optim import Optimizer

from thalweg.doctor.probes._graph import rows_equal
from thalweg.doctor.probes._units import spreads
from thalweg.doctor.record import Motion

# Entries of all weights together up to which they are copied to see how they move.
MOST_COPIED = 2**25


class Step:
    """The parameters of an optimizer just before its step.

    Args:
        optimizer: About to step.
        names: Of the watched parameters, by identity.
    """

    def __init__(self, optimizer: Optimizer, names: dict[int, str]) -> None:
        self.parameters = {
            names.get(id(each), f"? {place}"): each
            for group in optimizer.param_groups
            for place, each in enumerate(group["params"])
        }
        owned = list(self.parameters.values())
        self.gradients = {
            name: each.grad.detach()
            for name, each in self.parameters.items()
            if each.grad is not None and not each.grad.is_sparse
        }
        self.sizes = _sizes([each.detach() for each in owned])
        self.gradient_sizes = dict(
            zip(self.gradients, _sizes(list(self.gradients.values())), strict=True)
        )
        self.nonfinite = {
            name: int((~self.gradients[name].isfinite()).sum())
            for name, size in self.gradient_sizes.items()
            if not size < float("inf")
        }
        self.equal = {
            name: (rows_equal(each.detach()), rows_equal(self.gradients[name]))
            for name, each in self.parameters.items()
            if name in self.gradients
        }
        self.spreads = spreads(self.parameters)
        is_small = sum(each.numel() for each in owned) <= MOST_COPIED
        self.before = [each.detach().clone() for each in owned] if is_small else None

    def motions(self) -> dict[str, Motion]:
        """Return how every parameter moved, after the step."""
        owned = [each.detach() for each in self.parameters.values()]
        if self.before is None:
            moved = [float("nan")] * len(owned)
        else:
            moved = _sizes([now - then for now, then in zip(owned, self.before, strict=True)])
        found = {}
        for name, weight, update in zip(self.parameters, self.sizes, moved, strict=True):
            equal, gradient_equal = self.equal.get(name, (False, False))
            found[name] = Motion(
                weight=weight,
                gradient=self.gradient_sizes.get(name),
                update=update,
                nonfinite=self.nonfinite.get(name, 0),
                rows_equal=equal,
                gradient_rows_equal=gradient_equal,
                spread=self.spreads.get(name),
            )
        return found


@torch.no_grad()
def _sizes(tensors: list[Tensor]) -> list[float]:
    """Return the root mean square of each tensor, with one wait for the device."""
    if not tensors:
        return []
    norms = [torch.linalg.vector_norm(each.float()) for each in tensors]
    norms = torch.stack([each.to(norms[0].device) for each in norms]).tolist()
    return [norm / max(1, each.numel()) ** 0.5 for norm, each in zip(norms, tensors, strict=True)]
