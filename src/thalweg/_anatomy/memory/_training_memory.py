"""What training needs, by what it is for, and the largest batch that fits."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from torch import Tensor, nn
from torch.optim import Optimizer

from thalweg._anatomy.memory._step import simulate
from thalweg._core import formats
from thalweg.errors import SettingError, ShapeError

OptimizerMaker = Callable[..., Optimizer]
"""Returns an optimizer of a network by name, as `thalweg.train.make_optimizer` does."""

# Of two small batches one is told apart from the part that does not grow; one example alone some
# normalizations refuse.
SMALL = (2, 3)
MOST = 2**30


@dataclass(frozen=True)
class TrainingMemory:
    """Bytes that one step of training needs."""

    batch: int
    optimizer: str
    values: int
    """Parameters and buffers."""
    gradients: int
    """Of the parameters that are trained."""
    optimizer_state: int
    """What the optimizer keeps from step to step."""
    activations: int
    """What the forward pass leaves for the backward pass, and the batch itself."""
    peak: int
    """The most that is held at once; less than the sum where activations are freed before the
    gradients are all there, more where an operation needs room besides."""

    def to_json(self) -> dict[str, Any]:
        """Return the memory as plain data."""
        return asdict(self)

    def __str__(self) -> str:
        parts = (
            f"values {formats.size(self.values)}",
            f"gradients {formats.size(self.gradients)}",
            f"{self.optimizer} state {formats.size(self.optimizer_state)}",
            f"activations {formats.size(self.activations)}",
        )
        return f"{formats.size(self.peak)} at the peak with a batch of {self.batch}: " + ", ".join(
            parts
        )


def training_memory(
    model: nn.Module,
    inputs: list[Tensor],
    batch: int,
    optimizer: str,
    make: Callable[[nn.Module], Optimizer],
    *,
    is_fused: bool = False,
) -> TrainingMemory:
    """Return what a step with that many examples needs."""
    usage = simulate(model, inputs, batch, make, is_fused=is_fused)
    return TrainingMemory(batch, optimizer, **vars(usage))


def largest_batch(peak: Callable[[int], int], memory: int) -> int:
    """Return the largest batch whose step fits; 0 where none does.

    The peak grows with the batch, and the more steeply the larger it is: it is the largest of
    several sums, each a constant and a multiple of the batch. So the line through two batches
    that fit never falls short of the one sought.

    Args:
        peak: Bytes that a step with that many examples needs.
        memory: Bytes that there are.
    """
    small, large = SMALL
    low, high = peak(small), peak(large)
    if low > memory:
        return int(_fits_alone(peak, memory))
    fits, fails = (large, MOST) if high <= memory else (small, large)
    while fails - fits > 1:
        slope = max((high - low) / (large - small), 1)
        guess = int(fits + max((memory - peak(fits)) / slope, 0))
        guess = min(max(guess, fits + 1), fails - 1)
        needed = peak(guess)
        if needed <= memory:
            fits = guess
        else:
            fails = guess
            # Back along the line to the one that failed, which lies above the peak.
            known = peak(fits)
            back = int(fits + (memory - known) * (fails - fits) / (needed - known))
            if fits < back < fails and peak(back) <= memory:
                fits = back
        small, low = fits, peak(fits)
        large, high = fits + 1, peak(fits + 1)
        if high > memory:
            return fits
    return fits


def _fits_alone(peak: Callable[[int], int], memory: int) -> bool:
    """Return whether a step with one example fits, where the network can take one at all."""
    try:
        return peak(1) <= memory
    except ShapeError:
        return False


def parsed(memory: int | float | str) -> int:
    """Return bytes from a number of them, or from text with a unit.

    Raises:
        SettingError: It is neither.

    Example:
        >>> parsed("8 GiB") == 8 * 2**30
        True
    """
    if isinstance(memory, (int, float)) and not isinstance(memory, bool):
        number, factor = float(memory), 1
    else:
        text = str(memory).strip().lower().removesuffix("b").strip()
        unit = text[-2:] if text[-1:] == "i" else text[-1:]
        factor = UNITS.get(unit, 1)
        try:
            number = float(text.removesuffix(unit) if unit in UNITS else text)
        except ValueError:
            number = 0.0
    if not 0 < number * factor < float("inf"):
        got = formats.plain(repr(memory))
        raise SettingError(f"memory must be a number of bytes or such as '8 GiB', got {got}.")
    return int(number * factor)


UNITS = {
    **{f"{letter}i": 1024**power for power, letter in enumerate("kmgt", start=1)},
    **{letter: 1000**power for power, letter in enumerate("kmgt", start=1)},
}
