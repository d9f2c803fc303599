"""Whether parameters change during the watch, and whether others look trained from before."""

import torch
from torch import Tensor, nn

# Entries up to which a parameter is copied; of larger ones, norms of stretches of so many are
# kept, in which a change of one entry in ten thousand still shows.
STRETCH = 1024
MOST_COPIED = 4 * STRETCH
# Every step of an optimizer raises a tensor's version counter, an initialization by one to three,
# a loaded checkpoint by one more.
MOST_WRITES = 10
# Standard errors by which drawn weights stray from their distribution once in 10,000 times.
BEYOND_NOISE = 4.0
# Weights drawn evenly end at the root of three deviations; normal ones have a kurtosis of 3, and
# of 2.4 where they are cut at two deviations. Training blurs the even end, and grows tails.
EVEN_END, CUT_KURTOSIS, KURTOSIS = 3**0.5, 2.36, 3.0
MOST_ENTRIES = 2**16


class Changes:
    """Parameters, and what they were like when they were first seen."""

    def __init__(self) -> None:
        self.parameters: dict[str, Tensor] = {}
        self.before: dict[str, list[Tensor]] = {}
        self.gradients: dict[str, tuple[int, int] | None] = {}

    def add(self, name: str, parameter: Tensor) -> None:
        """Take note of a parameter as it is now."""
        self.parameters[name] = parameter
        self.before[name] = _trace(parameter)
        self.gradients[name] = _mark(parameter.grad)

    def has_moved(self, name: str) -> bool | None:
        """Return whether a parameter's numbers are others than before; None where unknown."""
        now, then = _trace(self.parameters[name]), self.before[name]
        if not now or not then:
            return None
        return len(now) != len(then) or not all(map(_equal, now, then))

    def has_new_gradient(self, name: str) -> bool:
        """Return whether a parameter has a gradient that it did not have before."""
        mark = _mark(self.parameters[name].grad)
        return mark is not None and mark != self.gradients[name]

    def looks_fresh(self, name: str) -> bool:
        """Return whether a parameter looks as an initialization leaves it."""
        return looks_fresh(self.parameters[name])


@torch.no_grad()
def _trace(parameter: Tensor) -> list[Tensor]:
    """Return what shows a change; nothing of tensors that are kept elsewhere or in pieces."""
    if type(parameter) not in (nn.Parameter, Tensor) or parameter.is_meta:
        return []
    flat = parameter.detach().reshape(-1)
    if flat.numel() <= MOST_COPIED:
        return [flat.clone()]
    whole = flat.numel() // STRETCH * STRETCH
    stretches = flat[:whole].view(-1, STRETCH)
    if not stretches.is_floating_point():
        stretches = stretches.float()
    return [torch.linalg.vector_norm(stretches, dim=1), flat[whole:].clone()]


def _mark(gradient: Tensor | None) -> tuple[int, int] | None:
    return None if gradient is None else (id(gradient), gradient._version)


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
    # A few numbers tell nothing; many zeros were put there on purpose.
    if len(flat) < 32 or spread == 0 or float((flat == 0).double().mean()) > 0.5:
        return True
    few = len(flat) ** -0.5
    # The deviation of evenly drawn numbers is known to 0.45 / sqrt(n) of itself.
    if float(flat.abs().max()) <= EVEN_END * spread * (1 + 0.45 * BEYOND_NOISE * few):
        return True
    kurtosis = float(((flat - flat.mean()) / spread).pow(4).mean())
    error = BEYOND_NOISE * 24**0.5 * few
    is_cut = float(flat.abs().max()) <= 2.5 * spread
    return abs(kurtosis - KURTOSIS) <= error or (is_cut and abs(kurtosis - CUT_KURTOSIS) <= error)
