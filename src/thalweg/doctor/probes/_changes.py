"""Whether parameters change during the watch, and whether others look trained from before."""

import torch
from torch import Tensor

# Entries up to which a parameter is copied; of larger ones, norms of stretches of so many are
# kept, in which a change of one entry in ten thousand still shows.
STRETCH = 1024
MOST_COPIED = 4 * STRETCH
# Every step of an optimizer raises a tensor's version counter, an initialization by one to three,
# a loaded checkpoint by one more.
MOST_WRITES = 10
# torch draws the weights of its layers evenly from ± 1 / sqrt(fan in); rounding aside.
ROUNDING = 1.001
# Standard errors by which a kurtosis strays from that of a drawn weight only after training.
BEYOND_NOISE = 6.0
EVEN, CUT, NORMAL = 1.8, 2.3, 3.0
"""Kurtosis of weights drawn evenly, normally but cut at two deviations, and normally."""
MOST_ENTRIES = 2**16


class Changes:
    """Parameters, and what they were like when they were first seen."""

    def __init__(self) -> None:
        self.parameters: dict[str, Tensor] = {}
        self.before: dict[str, list[Tensor]] = {}

    def add(self, name: str, parameter: Tensor) -> None:
        """Take note of a parameter as it is now."""
        self.parameters[name] = parameter
        self.before[name] = _trace(parameter)

    def has_moved(self, name: str) -> bool:
        """Return whether a parameter's numbers are others than before."""
        now = _trace(self.parameters[name])
        then = self.before[name]
        return len(now) != len(then) or not all(map(_equal, now, then))

    def looks_fresh(self, name: str) -> bool:
        """Return whether a parameter looks as an initialization leaves it."""
        return looks_fresh(self.parameters[name])


@torch.no_grad()
def _trace(parameter: Tensor) -> list[Tensor]:
    flat = parameter.detach().reshape(-1)
    if flat.numel() <= MOST_COPIED:
        return [flat.clone()]
    whole = flat.numel() // STRETCH * STRETCH
    norms = torch.linalg.vector_norm(flat[:whole].view(-1, STRETCH), dim=1)
    return [norms, flat[whole:].clone()]


def _equal(now: Tensor, then: Tensor) -> bool:
    # NaN is not equal to itself, so that weights which have become NaN count as moved.
    return now.shape == then.shape and torch.equal(now, then.to(now.device))


@torch.no_grad()
def looks_fresh(parameter: Tensor) -> bool:
    """Return whether a parameter looks as an initialization leaves it, not as training does.

    Example:
        >>> looks_fresh(torch.nn.Linear(30, 20).weight)
        True
    """
    if not parameter.is_inference() and parameter._version >= MOST_WRITES:
        return False
    if parameter.ndim < 2 or not parameter.is_floating_point():
        return True
    flat = parameter.detach().reshape(-1)[:MOST_ENTRIES].double()
    spread = float(flat.std(correction=0))
    if len(flat) < 32 or spread == 0:
        return True
    bound = ROUNDING * parameter[0].numel() ** -0.5
    if float(flat.abs().max()) <= bound and spread > 0.5 * bound:
        return True
    kurtosis = float(((flat - flat.mean()) / spread).pow(4).mean())
    error = BEYOND_NOISE * (24 / len(flat)) ** 0.5
    return kurtosis <= EVEN + error or CUT - error <= kurtosis <= NORMAL + error
