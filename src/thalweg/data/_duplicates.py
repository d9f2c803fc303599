"""Examples that repeat one another, exactly or nearly."""

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float, Int
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import KDTree

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
    exact = len(groups) - len(seen)
    if len(groups) > MOST_EXAMPLES:
        reason = f"more than {formats.count(MOST_EXAMPLES)} examples, so near ones are not sought"
        return Duplicates(groups, exact, 0, [Choice("duplicates", "exact", reason)])
    # Infinite values are refused later, by the encoder, with their place.
    with np.errstate(invalid="ignore", over="ignore"):
        signatures = inputs.signatures()
    if signatures is None or len(seen) < 2 or signatures.shape[1] < FEWEST_FEATURES:
        return Duplicates(groups, exact, 0)
    _, first = np.unique(groups, return_index=True)
    pairs = near_pairs(signatures[first])
    if pairs is None:
        reason = "too many examples lie close together, so near ones are not sought"
        return Duplicates(groups, exact, 0, [Choice("duplicates", "exact", reason)])
    joined = components(pairs, len(seen))
    longest = int(np.bincount(joined).max())
    if longest > max(SHORTEST_CHAIN, LONGEST_CHAIN * len(seen)):
        reason = (
            f"{formats.count(longest)} examples form one chain of neighbours, as dense data do, "
            "so only equal ones count as duplicates"
        )
        return Duplicates(groups, exact, 0, [Choice("duplicates", "exact", reason)])
    return Duplicates(joined[groups], exact, len(seen) - int(joined.max()) - 1)


def near_pairs(
    points: Float[np.ndarray, "points features"],
) -> Int[np.ndarray, "pairs 2"] | None:
    """Return every pair of points within Euclidean distance one; None if that takes too long.

    A projection onto orthonormal directions never lengthens a distance, so the pairs that are
    close in a few directions include all that are close in full.
    """
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
    links = coo_array((np.ones(len(pairs), dtype=bool), pairs.T), shape=(number, number))
    return connected_components(links, directed=False)[1].astype(int)
