"""Sharing out units of several examples so that every class gets its share of every part."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int

from thalweg._core import seeds


def shuffled(units: np.ndarray, seed: int) -> np.ndarray:
    """Return the units in the order in which they are placed: large before small, else random.

    Sizes count as equal within a factor of two, so that the seed has something to say.
    """
    order = seeds.numpy_generator(seed, "split").permutation(int(units.max()) + 1)
    magnitude = np.frexp(np.bincount(units)[order])[1]
    return order[np.argsort(-magnitude, kind="stable")]


def by_quota(
    strata: np.ndarray, units: np.ndarray, order: np.ndarray, shares: np.ndarray
) -> np.ndarray:
    """Return the number of each example's part, filling all parts at the same pace."""
    counts = np.bincount(strata)
    wanted = _quotas(counts, shares)
    contents: list[list[tuple[int, int]]] = [[] for _ in order]
    keys, amounts = np.unique(units * len(counts) + strata, return_counts=True)
    for key, amount in zip(keys.tolist(), amounts.tolist(), strict=True):
        unit, stratum = divmod(key, len(counts))
        contents[unit].append((stratum, amount))

    need = wanted.tolist()
    # A part that wants none of a class takes it only after all that want some.
    pace = (1.0 / np.maximum(wanted, 0.5)).tolist()
    is_open = np.flatnonzero(shares).tolist()
    placed = [0] * len(order)
    for unit in order.tolist():
        held = contents[unit]
        best, highest = 0, -np.inf
        for part in is_open:
            # How empty the part would still be, over the unit's classes.
            room = sum(n * (need[part][k] - n) * pace[part][k] for k, n in held)
            if room > highest:
                best, highest = part, room
        placed[unit] = best
        for k, n in held:
            need[best][k] -= n
    _fill_empty(placed, contents, order.tolist(), is_open)
    return np.array(placed)[units]


def _quotas(
    counts: Int[np.ndarray, " strata"], shares: Float[np.ndarray, " parts"]
) -> Int[np.ndarray, "parts strata"]:
    """Return how many of each stratum each part gets: its share, rounded down or up.

    What rounding down leaves over goes to the parts furthest behind in total, so that these
    are right as well. Training gets at least one of each stratum.
    """
    exact = np.outer(shares, counts)
    # Shares such as 0.15 are not exact in binary: 0.15 × 20 must still be 3.
    quotas = np.floor(exact + 1e-9).astype(int)
    behind = np.zeros(len(shares))
    # Half an example's head start for validation and test, which are the smaller ones.
    behind[0] = -0.5
    for k, count in enumerate(counts):
        behind += exact[:, k] - quotas[:, k]
        left = int(count - quotas[:, k].sum())
        entitled = np.flatnonzero(exact[:, k] - quotas[:, k] > 1e-9).tolist()
        for _ in range(left):
            part = 0 if quotas[0, k] == 0 else max(entitled, key=lambda part: behind[part])
            entitled.remove(part)
            quotas[part, k] += 1
            behind[part] -= 1
    return quotas


def _fill_empty(
    placed: list[int],
    contents: list[list[tuple[int, int]]],
    order: Sequence[int],
    is_open: Sequence[int],
) -> None:
    """Move a unit from training to each part that got none, if training keeps every class.

    It keeps at least two units, since one example has no spread to standardize by.
    """
    for part in is_open:
        if part in placed or placed.count(0) <= 2:
            continue
        left: dict[int, int] = {}
        for unit in order:
            if placed[unit] == 0:
                for k, n in contents[unit]:
                    left[k] = left.get(k, 0) + n
        # The last in order are the smallest.
        for unit in reversed(order):
            if placed[unit] == 0 and all(left[k] > n for k, n in contents[unit]):
                placed[unit] = part
                break
