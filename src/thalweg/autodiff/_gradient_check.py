"""Autograd held against differences, entry by entry."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from thalweg._core import seeds
from thalweg.autodiff._gradient_report import Entry, GradientReport, GradientResult, Verdict
from thalweg.autodiff._slope import moved, slope
from thalweg.autodiff._subject import Subject
from thalweg.errors import SettingError

# Best for a central difference in double precision, ε^⅓, for values and derivatives about one.
STEP = 6e-6
# Further opinions where the first is doubtful: a kink nearby is no longer crossed.
FINER = (STEP / 8, STEP / 64, STEP / 512)
# Roundings of the value that a difference of two may show.
ROUNDINGS = 20 * torch.finfo(torch.float64).eps
# Along a direction through all entries more ReLUs are crossed, each bending the slope a little.
ALONG_ALL = 1e-3
# The order of wrong entries before right ones.
ORDER: tuple[Verdict, ...] = ("wrong", "equal", "kink", "rounding")


def check_gradients(
    function: nn.Module | Callable[..., Any],
    inputs: Tensor | Sequence[Any] = (),
    *,
    loss: Callable[[Any], Tensor] | None = None,
    entries: int = 10,
    tolerance: float = 1e-4,
    seed: int = 0,
) -> GradientReport:
    """Compare autograd with central differences, for every parameter and every input of floats.

    It is done in double precision on a copy, in the mode that the module is in, with the same
    dropout at every evaluation; the module, its gradients, its buffers and the global random
    state stay as they are. Of a large tensor some entries are drawn, the one of the largest
    gradient among them; then all are moved together, and where that shows an error that the
    drawn ones do not, it is traced to its entry by halving.

    At a kink (a ReLU at zero, a tie in a maximum) there is no one slope: what autograd says
    passes if it lies between the slopes to both sides, and is counted as a kink. Entries whose
    slope is lost in the rounding of the value are counted too: nothing is proved of them.

    Args:
        function: A network, a loss, or any function of tensors.
        inputs: Its argument, or a sequence of its arguments.
        loss: From its output to a number, which is then differentiated. By default several
            outputs are weighted at random and added up.
        entries: How many to check of each tensor.
        tolerance: The largest relative error that passes.
        seed: Of the drawn entries, of the weights, and of dropout.

    Raises:
        SettingError: Nothing has a gradient, the function differs from call to call, or its
            value is not finite.

    Example:
        >>> report = check_gradients(nn.Linear(3, 2), torch.ones(4, 3))
        >>> report.passed, [each.name for each in report.results]
        (True, ['weight', 'bias', 'input'])
    """
    if entries < 1 or not tolerance > 0:
        raise SettingError("entries must be at least 1, and the tolerance above 0.")
    if not callable(function):
        got = type(function).__name__
        raise SettingError(f"needed is a module or a function of tensors, got {got}.")
    arguments = list(inputs) if isinstance(inputs, (list, tuple)) else [inputs]
    subject = Subject(function, arguments, loss, seed)
    gradients = subject.gradients()
    value = subject.value()
    if not abs(value) < float("inf"):
        raise SettingError(f"the value must be finite, got {value}. Give other inputs.")
    results = []
    for name, tensor in subject.tensors.items():
        if tensor.numel():
            checked = _Checked(subject.value, tensor, gradients[name], value, tolerance)
            found = _check(checked, entries, seeds.generator(seed, "entries", name))
            results.append(GradientResult(name, tuple(tensor.shape), found))
    called = type(function).__name__ if isinstance(function, nn.Module) else None
    subject_name = called or getattr(function, "__name__", type(function).__name__)
    return GradientReport(subject_name, tolerance, tuple(results))


class _Checked:
    """A tensor, what autograd says of it, and the value that it moves."""

    def __init__(
        self,
        value: Callable[[], float],
        tensor: Tensor,
        gradient: Tensor,
        here: float,
        tolerance: float,
    ) -> None:
        self.value, self.tensor, self.gradient = value, tensor, gradient
        self.here, self.tolerance = here, tolerance
        self.flat = gradient.flatten()

    def entry(self, position: int) -> Entry:
        """Return the verdict on one entry."""
        found = float(self.flat[position])
        direction = torch.zeros_like(self.flat)
        direction[position] = 1.0
        along = [direction.view_as(self.tensor)]
        # Relative to inputs larger than one, which a smaller step would not move exactly.
        scale = max(1.0, abs(float(self.tensor.detach().flatten()[position])))
        first = slope(self.value, [self.tensor], along, STEP * scale)
        error = self._error(found, first, STEP * scale)
        verdict: Verdict = "equal"
        if not error <= self.tolerance:
            first, verdict = self._doubtful(found, first, along, scale)
            error = self._error(found, first, FINER[0] * scale)
        elif max(abs(found), abs(first)) < self.noise(STEP * scale) and (found or first):
            verdict = "rounding"
        index = torch.unravel_index(torch.tensor(position), self.tensor.shape)
        return Entry(tuple(int(each) for each in index), found, first, error, verdict)

    def mismatch(self, positions: Tensor, signs: Tensor, step: float) -> float:
        """Return how far autograd and differences differ where these entries move together."""
        direction = torch.zeros_like(self.flat)
        direction[positions] = signs[positions]
        found = float((self.flat * direction).sum())
        expected = slope(self.value, [self.tensor], [direction.view_as(self.tensor)], step)
        return abs(found - expected)

    def noise(self, step: float) -> float:
        """Return what rounding alone makes of a difference."""
        return ROUNDINGS * max(abs(self.here), 1e-6) / step

    def _doubtful(
        self, found: float, first: float, along: list[Tensor], scale: float
    ) -> tuple[float, Verdict]:
        """Return a finer difference, and what an entry is that the first one speaks against."""
        ahead = behind = second = first
        for step in (each * scale for each in FINER):
            if step < FINER[0] * scale and self.noise(step) > self.tolerance * abs(second):
                break  # Finer differences are rounding alone.
            ahead = (moved(self.value, [self.tensor], along, step) - self.here) / step
            behind = (self.here - moved(self.value, [self.tensor], along, -step)) / step
            second = (ahead + behind) / 2
            if self._error(found, second, step) <= self.tolerance:
                return second, "equal"
        if abs(found - second) <= abs(ahead - behind) / 2 * (1 + self.tolerance):
            return second, "kink"
        # Differences that disagree with each other as much as with autograd prove nothing.
        if abs(first - second) > abs(found - second) / 4:
            return second, "rounding"
        return second, "wrong"

    def _error(self, found: float, expected: float, step: float) -> float:
        floor = self.noise(step) / self.tolerance
        return abs(found - expected) / max(abs(found), abs(expected), floor)


def _check(checked: _Checked, entries: int, draw: torch.Generator) -> tuple[Entry, ...]:
    """Return the entries that were looked at, the wrong ones first, the worst of them foremost."""
    size = checked.flat.numel()
    if size <= entries:
        positions = list(range(size))
    else:
        largest = int(checked.flat.abs().nan_to_num(torch.inf).argmax())
        others = torch.randperm(size, generator=draw).tolist()
        positions = [largest, *(each for each in others[:entries] if each != largest)][:entries]
    found = [checked.entry(position) for position in positions]
    if size > entries and all(each.verdict != "wrong" for each in found):
        traced = _traced(checked, draw)
        found += [] if traced is None or traced in positions else [checked.entry(traced)]
    return tuple(sorted(found, key=lambda each: (ORDER.index(each.verdict), -each.error)))


def _traced(checked: _Checked, draw: torch.Generator) -> int | None:
    """Return an entry where autograd errs, found by halving; None where all together agree."""
    size = checked.flat.numel()
    signs = torch.randint(2, (size,), generator=draw).mul(2).sub(1).to(checked.flat)
    everything = torch.arange(size, device=checked.flat.device)
    # All together they move far, so each moves less: fewer kinks are crossed, and those that are
    # bend the slope less at an eighth of the step, as an error does not.
    step = FINER[0] / size**0.25
    limit = max(ALONG_ALL * float(checked.flat.norm()), checked.noise(step))
    coarse = checked.mismatch(everything, signs, step)
    if not coarse > limit:
        return None
    fine = checked.mismatch(everything, signs, step / 8)
    if fine < max(limit, coarse / 2, checked.noise(step / 8)):
        return None
    positions = everything
    while len(positions) > 1:
        halves = positions.split(-(-len(positions) // 2))
        positions = max(halves, key=lambda half: checked.mismatch(half, signs, step))
    return int(positions[0])
