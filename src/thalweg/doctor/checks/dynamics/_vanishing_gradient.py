"""Gradients that die on their way to the early layers."""

from collections.abc import Iterator

import numpy as np

from thalweg.doctor._finding import Finding, Remedy
from thalweg.doctor.checks._check import Answer, Unchecked, check
from thalweg.doctor.checks.reading._outcome import left_of_constants
from thalweg.doctor.checks.reading._stakes import family, first_loss, poor, stakes
from thalweg.doctor.record import Record

# The loss hardly depends on a layer whose weights could double for a hundredth of it.
NO_STAKE = 2e-2
# Two orders of magnitude below the liveliest layer: no one learning rate serves both.
GAP = 1e-2
# Where the signal fades on its way forward too, the head has little at stake itself; then early
# layers have next to nothing, and are still behind it.
NEXT_TO_NOTHING, SOME_GAP = 5e-3, 0.2
# Of the loss, so much is left where that matters.
POOR = 0.5
FEWEST = 4
# In time, the gradient at the first steps as a share of that at the last. Of some dozens of steps
# that are summed up, what counts a thousandth as much is lost among the others.
TIME_GAP = 1e-3
NOTHING_LEARNED = 0.9


@check("vanishing-gradient", explains=("plateau", "underfitting"))
def check_vanishing_gradient(record: Record) -> Iterator[Answer]:
    """Find early layers, or early times, on which the loss hardly depends from the first step."""
    loss = first_loss(record)
    if loss is None or len(record.samples) < FEWEST:
        yield Unchecked("too few steps were looked at closely")
        return
    found = _by_depth(record, loss) or _by_time(record)
    if found is None or not (poor(record, POOR) or _is_constant(record)):
        return
    where, evidence = found
    yield Finding(
        fault="vanishing-gradient",
        where=where,
        severity="error",
        confidence=0.9,
        evidence=evidence,
        remedy=Remedy(
            "Let the gradient pass: x = x + block(x), a normalization before each block, ReLU or "
            "tanh in place of sigmoid; over time, an LSTM, or a mean over all states."
        ),
    )


def _by_depth(record: Record, loss: float) -> tuple[str, dict] | None:
    series: dict[str, list[float]] = {}
    for sample in record.samples:
        for name, value in stakes(record, sample, loss).items():
            if family(record, name) != "embedding":
                series.setdefault(name, []).append(value)
    middle = {name: float(np.median(values)) for name, values in series.items()}
    names = list(middle)
    # A gradient that is exactly zero is cut, not faded; those are other faults.
    if len(names) < FEWEST or any(value == 0.0 for value in middle.values()):
        return None
    early = names[: max(2, len(names) // 3)]
    late = max(middle[name] for name in names[-len(early) :])
    start = max(middle[name] for name in early)
    at_first = max(series[name][0] for name in early)
    is_behind = max(start, at_first) < NO_STAKE and start < GAP * late
    is_faded = max(start, at_first) < NEXT_TO_NOTHING and start < SOME_GAP * late
    if is_behind or (is_faded and _nothing_learned(record)):
        shown = {name: float(f"{middle[name]:.2g}") for name in names[:: max(1, len(names) // 6)]}
        return early[0], {
            "share of the loss that depends on early weights": start,
            "on late weights": late,
            "by weight": shown,
        }
    return None


def _nothing_learned(record: Record) -> bool:
    return poor(record, NOTHING_LEARNED) or _is_constant(record)


def _is_constant(record: Record) -> bool:
    """Return whether the answers are no better than a constant for each output."""
    left = left_of_constants(record)
    return left is not None and left > NOTHING_LEARNED


def _by_time(record: Record) -> tuple[str, dict] | None:
    share = record.trials.get("vanishing-gradient")
    if share is None or share > TIME_GAP or not _nothing_learned(record):
        return None
    where = next((n for n, f in record.modules.items() if f.family == "recurrent"), "")
    return where, {"gradient at the first times as share of the last": share}
