"""Networks that are too small for their training data."""

from collections.abc import Iterator

from thalweg.doctor._finding import Finding, Remedy
from thalweg.doctor.checks._check import Answer, Unchecked, check
from thalweg.doctor.checks.reading import _capacity, _outcome
from thalweg.doctor.checks.reading._progress import is_learning, losses, slope_and_noise
from thalweg.doctor.record import Record

# Of the first loss, or that of a guess, so much is left at least where one number passes, where
# two do, and where there is one layer only. One layer that learns something may learn all there
# is.
LEFT = {1: 0.4, 2: 0.7}
LEFT_OF_ONE_LAYER = 0.9
# The second half of the training brings at most this share of the loss.
STILL_FALLING = 0.06
FEWEST = 60


@check("underfitting", explains=("plateau",))
def check_underfitting(record: Record) -> Iterator[Answer]:
    """Find trainings that came to rest high above the floor, in a network with a bottleneck."""
    left = _outcome.remaining(record)
    series = losses(record, None)
    if left is None or len(series) < FEWEST:
        yield Unchecked("too few steps, or a loss whose floor is unknown")
        return
    short = _capacity.shortage(record)
    if short is None:
        return
    bound = LEFT.get(int(short.get("numbers that pass", 0)), LEFT_OF_ONE_LAYER)
    half = series[len(series) // 2 :]
    trend = slope_and_noise(half)
    is_done = _outcome.is_flat(half) or -trend.slope * len(half) < STILL_FALLING * trend.level
    # A single layer that has learned a weak signal may have learned all there is.
    is_alone = "numbers that pass" not in short
    if left < bound or not is_done or (is_alone and is_learning(record)):
        return
    yield Finding(
        fault="underfitting",
        where=str(short["layer"]),
        severity="warning",
        confidence=0.7,
        evidence={
            **{name: value for name, value in short.items() if name != "layer"},
            "loss": _outcome.rounded(series),
            "share of the loss that is left": left,
        },
        remedy=Remedy(
            "Make the network larger there: a hidden layer with an activation, "
            "nn.Sequential(nn.Linear(inputs, 64), nn.ReLU(), nn.Linear(64, outputs)), or more "
            "units or channels where all must pass."
        ),
    )
