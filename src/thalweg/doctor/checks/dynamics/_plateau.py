"""Progress that stopped far from the floor."""

from collections.abc import Iterator

from thalweg.doctor._finding import Finding, Remedy
from thalweg.doctor.checks._check import Answer, Unchecked, check
from thalweg.doctor.checks.reading import _capacity, _outcome
from thalweg.doctor.checks.reading._progress import losses, uninformed
from thalweg.doctor.record import Record

# No better than a guess, or not much: a fit that has ended lies deeper, whatever its noise.
FAR_FROM_FLOOR = 0.95
FEWEST = 100


@check("plateau")
def check_plateau(record: Record) -> Iterator[Answer]:
    """Find losses that have been flat for half of the training, no better than a guess."""
    left = _outcome.remaining(record)
    series = losses(record, None)
    if left is None or uninformed(record) is None or len(series) < FEWEST:
        yield Unchecked("too few steps, or a loss of which a guess is unknown")
        return
    half = series[len(series) // 2 :]
    if left < FAR_FROM_FLOOR or not _outcome.is_flat(half) or _capacity.shortage(record):
        return
    moves = [share for _, share in _outcome.relative_steps(record)]
    yield Finding(
        fault="plateau",
        where="loss",
        severity="warning",
        confidence=0.6,
        evidence={
            "loss": _outcome.rounded(series),
            "flat for steps": len(half),
            "share of the loss that is left": left,
            "steps as share of the weights": moves[len(moves) // 2 :][:4],
        },
        remedy=Remedy(
            "First try to fit a single batch. If that works, the way down is hidden: begin "
            "elsewhere (another seed or initialization), begin with easier examples, or give the "
            "network inputs and a loss from which single steps can tell that they help."
        ),
    )
