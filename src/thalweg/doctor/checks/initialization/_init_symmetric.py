"""Units that are equal from the start."""

import math
from collections.abc import Iterator

from thalweg.doctor._finding import Finding, Remedy
from thalweg.doctor.checks._check import Answer, Unchecked, check
from thalweg.doctor.checks.reading import _outcome
from thalweg.doctor.checks.reading._stakes import family, is_resumed
from thalweg.doctor.record import Record

# Weights of units that get equal gradients differ by rounding only, a millionth; the noise of
# one step is a thousand times that.
EQUAL = 1e-4
# A weight that started with one value everywhere and is not mixed by its gradients within so
# many steps stays a matrix of few directions for long.
MIXED = 0.5
SOON = 8


@check(
    "init-symmetric",
    explains=("init-scale", "dead-units", "vanishing-gradient", "plateau", "underfitting"),
)
def check_init_symmetric(record: Record) -> Iterator[Answer]:
    """Find matrices whose units start equal, and stay so or part slowly."""
    if is_resumed(record):
        yield Unchecked("training had begun before the watch")
        return
    series = {
        name: [
            (sample.step, motion.spread)
            for sample in record.samples
            if (motion := sample.parameters.get(name)) is not None
            and motion.spread is not None
            and motion.gradient is not None
        ]
        for name, facts in record.parameters.items()
        if facts.is_trainable and _outcome.is_matrix(record, name)
    }
    equal = {n: s for n, s in series.items() if s and s[0][0] <= 2 and s[0][1] < EQUAL}
    if not any(series.values()):
        yield Unchecked("no step was looked at closely")
        return
    stuck = [name for name, seen in equal.items() if _stays(seen)]
    slow = [name for name, seen in equal.items() if _parts_slowly(record, name, seen)]
    if not stuck and not slow:
        return
    names = stuck or slow
    yield Finding(
        fault="init-symmetric",
        where=names[0],
        severity="error" if stuck else "warning",
        confidence=0.99 if stuck else 0.85,
        evidence={
            "weights": names[:8],
            "difference between units at the start": equal[names[0]][0][1],
            "difference between units at the end": equal[names[0]][-1][1],
            "last step looked at": equal[names[0]][-1][0],
        },
        remedy=Remedy(
            f"Start {names[0]} at random, e.g. torch.nn.init.xavier_uniform_(weight), "
            "so that units can become different."
        ),
    )


def _stays(seen: list[tuple[int, float]]) -> bool:
    return seen[-1][0] >= SOON and all(spread < EQUAL for _, spread in seen)


def _parts_slowly(record: Record, name: str, seen: list[tuple[int, float]]) -> bool:
    """Return whether a recurrent weight of one value everywhere keeps much of it.

    In layers that are used once, unequal weights above part the units; a state that is fed back
    through equal weights makes its units equal again at every step.
    """
    later = [spread for step, spread in seen if step >= SOON]
    is_square = math.prod(record.parameters[name].shape) >= 16
    return bool(later and family(record, name) == "recurrent" and is_square and later[0] < MIXED)
