import numpy as np

from thalweg.data._quotas import by_quota, shuffled

SHARES = np.array([0.7, 0.15, 0.15])


def test_units_are_never_cut_and_every_part_is_filled_at_the_same_pace():
    units = np.repeat(np.arange(100), 10)
    strata = np.repeat([0, 1], 500)
    parts = by_quota(strata, units, shuffled(units, seed=0), SHARES)
    assert all(len(set(parts[units == unit])) == 1 for unit in range(100))
    for stratum in (0, 1):
        # Of 50 units, 35, 7.5 and 7.5 would be exact.
        counts = np.bincount(parts[strata == stratum]) / 10
        assert abs(counts - 50 * SHARES).max() <= 1


def test_one_unit_of_a_third_of_the_examples_trains():
    units = np.concatenate([np.zeros(50, int), np.arange(1, 101)])
    for seed in range(10):
        parts = by_quota(np.zeros(150, int), units, shuffled(units, seed), SHARES)
        assert set(parts[:50]) == {0}
        assert abs(np.bincount(parts) - 150 * SHARES).max() < 1


def test_large_units_come_first_and_equal_ones_in_random_order():
    units = np.array([0] * 2 + [1] * 9 + [2] * 8 + [3] + [4])
    orders = {tuple(shuffled(units, seed).tolist()) for seed in range(20)}
    assert {order[2] for order in orders} == {0}
    assert {order[:2] for order in orders} == {(1, 2), (2, 1)}
    assert {order[3:] for order in orders} == {(3, 4), (4, 3)}


def test_an_empty_part_gets_a_unit_only_if_every_class_still_trains():
    units = np.arange(6)
    # Three classes of two: validation and test want 0.3 of each class.
    parts = by_quota(np.repeat([0, 1, 2], 2), units, shuffled(units, seed=0), SHARES)
    assert set(parts) == {0, 1, 2}
    assert all(0 in parts[start : start + 2] for start in (0, 2, 4))
    alone = by_quota(np.arange(6), units, shuffled(units, seed=0), SHARES)
    assert set(alone) == {0}
