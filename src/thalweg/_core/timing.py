"""How long a short piece of work takes where nothing disturbs it."""

import time
from collections.abc import Callable

# A piece of work that takes longer is timed once.
SLOW = 0.2


def fastest(work: Callable[[], object], repeats: int = 5) -> float:
    """Return the seconds of the fastest of several runs, which the machine disturbed least.

    Example:
        >>> 0.01 < fastest(lambda: time.sleep(0.01), repeats=2) < 1.0
        True
    """
    least = float("inf")
    for _ in range(repeats):
        began = time.perf_counter()
        work()
        least = min(least, time.perf_counter() - began)
        if least > SLOW:
            break
    return least
