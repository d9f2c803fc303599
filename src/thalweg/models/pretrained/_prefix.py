"""What wrappers put before the names of a network's tensors."""

from collections.abc import Collection, Mapping

from torch import Tensor

from thalweg.models.pretrained._fitting import AUXILIARY, COUNTER

# DistributedDataParallel and torch.compile; no network has a part of that name.
KNOWN = {"module", "_orig_mod", ""}


def without_prefix(
    tensors: Mapping[str, Tensor], own: Collection[str]
) -> tuple[dict[str, Tensor], str]:
    """Return tensors without what stands before all of their names, and what that was.

    Whoever keeps a network as a part of something else, as `self.model` of a LightningModule,
    saves "model.conv1.weight" for its "conv1.weight". A prefix goes where all names share it and
    are those of the network without it; those of torch's own wrappers go in any case, so that
    messages are about the network.

    Args:
        tensors: By name.
        own: The names of the network's tensors.

    Example:
        >>> without_prefix({"model.weight": Tensor(), "model.bias": Tensor()}, ["weight", "bias"])
        ({'weight': tensor([]), 'bias': tensor([])}, 'model.')
    """
    first = next(iter(tensors))
    prefixes = ["", *(first[: dot + 1] for dot, letter in enumerate(first) if letter == ".")]
    shared = [each for each in prefixes if all(name.startswith(each) for name in tensors)]
    for prefix in shared:
        if _fit({name.removeprefix(prefix) for name in tensors}, {*own}):
            break
    else:
        prefix = [each for each in shared if {*each.split(".")} <= KNOWN][-1]
    return {name.removeprefix(prefix): value for name, value in tensors.items()}, prefix


def _fit(names: set[str], own: set[str]) -> bool:
    """Return whether the names are the network's own, but for what a file may have or lack."""
    lacking, unknown = own - names, names - own
    return all(name.endswith(COUNTER) for name in lacking) and all(
        name.startswith(AUXILIARY) for name in unknown
    )
