import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import pdist, squareform

from thalweg.data import ArrayInputs, ImageInputs
from thalweg.data._duplicates import components, find_duplicates, near_pairs


class Points(ArrayInputs):
    """Arrays that are their own signatures, so that a test sees the distances."""

    def signatures(self):
        return self.values


def clumps(number, features, seed):
    """Points of which some lie close to others, in an unequally stretched space."""
    draw = np.random.default_rng(seed)
    points = draw.normal(size=(number, features)) * draw.uniform(0.1, 3, size=features)
    copied = draw.integers(0, number, size=number // 4)
    nearby = points[copied] + draw.normal(size=(len(copied), features)) / features**0.5
    return np.concatenate([points, nearby])


@pytest.mark.parametrize("features", [2, 5, 8, 9, 40])
def test_near_pairs_agree_with_all_distances(features):
    points = clumps(300, features, seed=features)
    distances = squareform(pdist(points))
    expected = np.argwhere(np.triu(distances <= 1, k=1))
    assert 0 < len(expected) < 40_000
    found = near_pairs(points)
    np.testing.assert_array_equal(sorted(map(sorted, found.tolist())), expected.tolist())


def test_a_pair_at_distance_one_is_near_and_one_beyond_is_not():
    points = np.zeros((4, 20))
    points[1, 3] = 1.0
    points[2, 5] = 50.0
    points[3, 5] = 51.001
    assert near_pairs(points).tolist() == [[0, 1]]


def test_equal_examples_are_exact_duplicates():
    rows = np.array([[1.0, 2.0], [3.0, 4.0], [1.0, 2.0], [1.0, 2.0], [5.0, 6.0]])
    found = find_duplicates(ArrayInputs(rows))
    assert found.groups.tolist() == [0, 1, 0, 0, 2]
    assert (found.exact, found.near) == (2, 0)


def test_nearness_is_passed_on():
    points = Points(np.array([[0.0, 0.0], [0.9, 0.1], [1.8, 0.0], [9.0, 0.0], [9.0, 0.0]]))
    found = find_duplicates(points)
    assert found.groups.tolist() == [0, 0, 0, 1, 1]
    assert (found.exact, found.near) == (1, 2)


def test_a_rounded_copy_of_a_row_is_near():
    values = np.random.default_rng(0).normal(size=(200, 10))
    found = find_duplicates(ArrayInputs(np.concatenate([values, values[:50].round(4)])))
    np.testing.assert_array_equal(found.groups[200:], found.groups[:50])
    assert (found.exact, found.near) == (0, 50)


def test_a_picture_with_a_little_noise_is_near():
    draw = np.random.default_rng(0)
    pictures = draw.integers(0, 256, size=(40, 1, 16, 16), dtype=np.uint8)
    noisy = (pictures[:10] + draw.normal(size=(10, 1, 16, 16))).clip(0, 255).astype(np.uint8)
    found = find_duplicates(ImageInputs(np.concatenate([pictures, pictures[:5], noisy])))
    np.testing.assert_array_equal(found.groups[45:], found.groups[:10])
    assert (found.exact, found.near) == (5, 10)


def test_one_feature_has_no_near_duplicates():
    found = find_duplicates(ArrayInputs(np.linspace(0, 1, 5000)[:, None]))
    assert (found.exact, found.near, found.choices) == (0, 0, [])


def test_a_dense_region_is_not_a_chain_of_copies():
    dense = Points(np.random.default_rng(0).uniform(0, 10, size=(500, 2)))
    found = find_duplicates(dense)
    assert len(set(found.groups.tolist())) == 500
    assert found.choices[0].value == "exact"


def test_a_search_that_would_take_too_long_is_left_out_and_said(monkeypatch):
    monkeypatch.setattr("thalweg.data._duplicates.MOST_NEIGHBOURS", 20)
    points = Points(np.repeat(np.arange(20.0)[:, None], 2, axis=1))
    assert near_pairs(points.values) is None
    assert "too many examples lie close" in find_duplicates(points).choices[0].reason
    monkeypatch.setattr("thalweg.data._duplicates.MOST_EXAMPLES", 10)
    assert "more than 10 examples" in find_duplicates(points).choices[0].reason


def test_infinite_and_missing_values_are_near_nothing():
    values = np.random.default_rng(0).normal(size=(30, 3))
    values[3, 1], values[7, 2] = np.inf, np.nan
    assert find_duplicates(ArrayInputs(values)).near == 0
    points = Points(np.array([[0.0, 0.0], [np.inf, 0.0], [0.5, 0.0]]))
    assert find_duplicates(points).groups.tolist() == [0, 1, 0]


def test_one_example_repeats_nothing():
    found = find_duplicates(ArrayInputs(np.ones((1, 3))))
    assert (found.groups.tolist(), found.exact, found.near) == ([0], 0, 0)


@given(st.lists(st.tuples(st.integers(0, 19), st.integers(0, 19)), max_size=25))
@settings(max_examples=50)
def test_components_agree_with_walking_the_links(pairs):
    found = components(np.array(pairs, dtype=int).reshape(-1, 2), 20)
    for start in range(20):
        reached, front = {start}, [start]
        while front:
            node = front.pop()
            linked = {a + b - node for a, b in pairs if node in (a, b)}
            front += linked - reached
            reached |= linked
        assert set(np.flatnonzero(found == found[start]).tolist()) == reached


def test_a_large_set_takes_far_less_than_comparing_each_with_each(cpu_seconds):
    draw = np.random.default_rng(0)
    points = draw.normal(size=(20_000, 64)) * 5
    points[::10] = points[1::10] + 0.01
    assert len(near_pairs(points)) == 2000
    # A tenth of them is a hundredth of the pairs. Measured at a fifteenth of all.
    everything = 100 * cpu_seconds(lambda: pdist(points[:2000]))
    assert cpu_seconds(lambda: near_pairs(points)) < everything / 2


def test_rows_of_few_values_are_equal_by_chance_and_no_copies():
    draw = np.random.default_rng(0)
    for rows in (
        draw.integers(0, 2, size=(500, 6)),  # six booleans
        draw.integers(18, 80, size=(300, 1)),  # ages
        np.column_stack([draw.integers(18, 80, size=3000), draw.integers(0, 2, size=3000)]),
        draw.integers(0, 2, size=(500, 1)).repeat(30, axis=1),  # columns that repeat one another
        np.array([[0, 0], [0, 1], [1, 0], [1, 1]]).repeat(50, axis=0),  # XOR
    ):
        found = find_duplicates(ArrayInputs(rows))
        assert len(set(found.groups.tolist())) == len(rows)
        assert (found.exact, found.near) == (0, 0)
        repeated = len(rows) - len({tuple(row) for row in rows.tolist()})
        assert f"{repeated:,} examples equal an earlier one" in found.choices[0].reason


def test_copied_measurements_are_copies_however_many():
    rows = np.random.default_rng(0).normal(size=(100, 3)).round(2).repeat(3, axis=0)
    found = find_duplicates(ArrayInputs(rows))
    assert (found.exact, found.choices) == (200, [])
    assert len(set(found.groups.tolist())) == 100


def test_a_copy_among_rows_that_are_equal_by_chance_is_still_one():
    draw = np.random.default_rng(0)
    coarse = np.column_stack([draw.integers(0, 2, size=(400, 4)), np.zeros((400, 2))])
    fine = np.column_stack([draw.integers(0, 2, size=(10, 4)), draw.normal(size=(10, 2))])
    found = find_duplicates(ArrayInputs(np.concatenate([coarse, fine, fine])))
    np.testing.assert_array_equal(found.groups[400:410], found.groups[410:])
    assert found.exact == 10
    assert len(set(found.groups.tolist())) == 410


def test_equal_pictures_are_copies_however_many():
    pictures = np.random.default_rng(0).integers(0, 256, size=(40, 1, 4, 4), dtype=np.uint8)
    pictures[10:] = pictures[0]
    assert find_duplicates(ImageInputs(pictures)).exact == 30
