"""Examples that repeat one another, exactly or nearly."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Bool, Float, Int, Shaped

from thalweg._core import formats
from thalweg._core.choices import Choice
from thalweg.data._inputs import Inputs

# The search takes about 8 seconds on one core for 200,000 examples.
MOST_EXAMPLES = 200_000
# Neighbours within twice the reach, over all examples: what the tree has to visit. At 50
# million, the search takes about 10 seconds on one core.
MOST_NEIGHBOURS = 50_000_000
# Rows from which that number is estimated.
PROBES = 200
# Directions of the projection. Neighbour search in a tree slows down beyond about ten, and
# eight already separate all but one candidate pair in thousands.
DIRECTIONS = 8
# Rows from which the directions are taken. Any directions give the right answer; these
# only have to be good ones.
SAMPLE = 1000
# One feature alone puts neighbours close by density, not by repetition.
FEWEST_FEATURES = 2
# A chain of near duplicates longer than this share of the examples is a dense region, not
# copies of one example; keeping it on one side would unbalance the split.
LONGEST_CHAIN = 0.05
# In small data a few true copies exceed that share.
SHORTEST_CHAIN = 20
# Equal examples expected by chance, from which on a row's twins are no copies of it. Of rows of
# six booleans nearly all are equal to another, and no measurement was copied; a copied row of a
# few measurements is expected 1e-5 times or less. Between the two lie columns that depend on one
# another, of which there are more equal rows than this product of shares expects.
CHANCE = 0.01


@dataclass(frozen=True)
class Duplicates:
    """Which examples repeat which."""

    groups: Int[np.ndarray, " examples"]
    """The same number for examples that repeat one another."""
    exact: int
    """How many examples equal an earlier one."""
    near: int
    """How many further examples nearly equal an earlier one."""
    choices: list[Choice] = field(default_factory=list)
    """Where the search was cut short, and why."""


def find_duplicates(inputs: Inputs) -> Duplicates:
    """Find examples that are equal, by digest, or nearly so, by signature.

    Nearness is passed on: if a is near b and b near c, all three form one group.

    Example:
        >>> from thalweg.data import ArrayInputs
        >>> find_duplicates(ArrayInputs(np.array([[1.0, 2.0], [3.0, 5.0], [1.0, 2.0]]))).groups
        array([0, 1, 0])
    """
    seen: dict[bytes, int] = {}
    groups = np.array([seen.setdefault(digest, len(seen)) for digest in inputs.digests()], int)
    found = _more_or_less_equal(inputs, groups)
    is_chance = equal_by_chance(inputs.columns(), groups)[groups]
    if not is_chance.any():
        return found
    by_chance = int(is_chance.sum()) - len(set(groups[is_chance].tolist()))
    reason = (
        f"{formats.count(by_chance)} examples equal an earlier one, as happens by chance where "
        "columns have few values; these are no copies, and are not kept together"
    )
    apart = found.groups.copy()
    apart[is_chance] = len(groups) + np.arange(is_chance.sum())
    choices = [*found.choices, Choice("duplicates", "beyond chance", reason)]
    return Duplicates(apart, found.exact - by_chance, found.near, choices)


def equal_by_chance(
    columns: Iterator[Shaped[np.ndarray, " examples"]], groups: Int[np.ndarray, " examples"]
) -> Bool[np.ndarray, " groups"]:
    """Return which groups of equal rows are no copies, but what rows of few values give.

    By chance, a row of n is expected to be met n Π pᵢ times, where pᵢ is the share of the other
    distinct rows that have its cell of column i. A row that was copied from measurements has cells
    that few others have.

    Args:
        columns: Equal values for equal cells.
        groups: 0, 1, 2 and so on; the same number for equal rows.
    """
    _, first, sizes = np.unique(groups, return_index=True, return_counts=True)
    expected = np.where(sizes > 1, float(len(groups)), 0.0)
    varying = 0
    for column in columns:
        # Below the threshold no further column matters, but two have to vary.
        if varying >= FEWEST_FEATURES and expected.max() < CHANCE:
            break
        _, code, counts = np.unique(column[first], return_inverse=True, return_counts=True)
        varying += len(counts) > 1
        expected *= (counts[code] - 1) / max(len(first) - 1, 1)
    if varying == 0:  # pictures, which have no columns, or rows that are all the same
        return np.zeros(len(first), dtype=bool)
    if varying < FEWEST_FEATURES:
        return sizes > 1
    # Columns that repeat one another make huge groups, which no product of shares expects.
    return (expected >= CHANCE) | (sizes > max(SHORTEST_CHAIN, LONGEST_CHAIN * len(groups)))


def _more_or_less_equal(inputs: Inputs, groups: Int[np.ndarray, " examples"]) -> Duplicates:
    """Return the groups of equal examples, joined where they are nearly equal."""
    distinct = int(groups.max(initial=-1)) + 1
    exact = len(groups) - distinct
    if len(groups) > MOST_EXAMPLES:
        reason = f"more than {formats.count(MOST_EXAMPLES)} examples, so near ones are not sought"
        return Duplicates(groups, exact, 0, [Choice("duplicates", "exact", reason)])
    # Infinite values are refused later, by the encoder, with their place.
    with np.errstate(invalid="ignore", over="ignore"):
        signatures = inputs.signatures()
    if signatures is None or distinct < 2 or signatures.shape[1] < FEWEST_FEATURES:
        return Duplicates(groups, exact, 0)
    _, first = np.unique(groups, return_index=True)
    pairs = near_pairs(signatures[first])
    if pairs is None:
        reason = "too many examples lie close together, so near ones are not sought"
        return Duplicates(groups, exact, 0, [Choice("duplicates", "exact", reason)])
    joined = components(pairs, distinct)
    longest = int(np.bincount(joined).max())
    if longest > max(SHORTEST_CHAIN, LONGEST_CHAIN * distinct):
        reason = (
            f"{formats.count(longest)} examples form one chain of neighbours, as dense data do, "
            "so only equal ones count as duplicates"
        )
        return Duplicates(groups, exact, 0, [Choice("duplicates", "exact", reason)])
    return Duplicates(joined[groups], exact, distinct - int(joined.max()) - 1)


def near_pairs(
    points: Float[np.ndarray, "points features"],
) -> Int[np.ndarray, "pairs 2"] | None:
    """Return every pair of points within Euclidean distance one; None if that takes too long.

    A projection onto orthonormal directions never lengthens a distance, so the pairs that are
    close in a few directions include all that are close in full.
    """
    from scipy.spatial import KDTree  # Late: SciPy's parts take a tenth of a second.

    rows = np.flatnonzero(np.isfinite(points).all(axis=1))
    points = points[rows]
    if len(rows) < 2:
        return np.empty((0, 2), dtype=int)
    sample = points[:: -(-len(points) // SAMPLE)]
    directions = np.linalg.svd(sample - sample.mean(axis=0), full_matrices=False)[2][:DIRECTIONS]
    # Rounding of the product must not lose a pair at distance one exactly.
    reach = 1.0 + 1e-6
    projected = points @ directions.T
    tree = KDTree(projected)
    probes = projected[:: -(-len(points) // PROBES)]
    neighbours = tree.query_ball_point(probes, 2 * reach, return_length=True)
    if np.mean(neighbours) * len(points) > MOST_NEIGHBOURS:
        return None
    candidates = tree.query_pairs(reach, output_type="ndarray").astype(int)
    near = [
        chunk[((points[chunk[:, 0]] - points[chunk[:, 1]]) ** 2).sum(axis=1) <= 1.0]
        for chunk in np.array_split(candidates, len(candidates) // 10_000 + 1)
    ]
    return rows[np.concatenate(near)]


def components(pairs: Int[np.ndarray, "pairs 2"], number: int) -> Int[np.ndarray, " nodes"]:
    """Return, for each of `number` nodes, which connected component it belongs to."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    links = coo_array((np.ones(len(pairs), dtype=bool), pairs.T), shape=(number, number))
    return connected_components(links, directed=False)[1].astype(int)
