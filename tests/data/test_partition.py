import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from thalweg.data import ArrayInputs, Raw
from thalweg.data._partition import SplitRule, partition
from thalweg.errors import DataError, SettingError

PARTS = ("train", "valid", "test")


def split(targets, rule=None, *, duplicates=None, classes=True, **fields):
    """Split targets of which each example is its own, unless `duplicates` says otherwise."""
    targets = np.asarray(targets)
    inputs = ArrayInputs(np.zeros((len(targets), 1)))
    raw = Raw(inputs, targets, tuple(map(str, range(len(targets)))), **fields)
    kinds = np.unique(targets, return_inverse=True)[1] if classes else None
    groups = np.arange(len(targets)) if duplicates is None else np.asarray(duplicates)
    parts, choices = partition(raw, kinds, groups, rule or SplitRule())
    return parts, {choice.setting: choice for choice in choices}


def sizes(parts):
    return [int((parts == part).sum()) for part in PARTS]


class_counts = st.lists(st.integers(1, 60), min_size=2, max_size=6).filter(
    lambda n: sum(n) >= 3 and max(n) > 1
)
shares = st.sampled_from([0.0, 0.1, 0.15, 0.2, 0.25])


@given(class_counts, shares, shares, st.integers(0, 3))
@settings(max_examples=60)
def test_every_class_has_its_share_of_every_part_within_one_example(counts, valid, test, seed):
    targets = np.repeat(np.arange(len(counts)), counts)
    parts, _ = split(targets, SplitRule(valid, test, seed=seed))
    assert sum(sizes(parts)) == len(targets)
    # In tiny data, training gives one more to a part that would be empty.
    tolerance = 1 if len(targets) >= 20 else 2
    for part, share in zip(PARTS, (1 - valid - test, valid, test), strict=True):
        for label, count in enumerate(counts):
            got = int((parts[targets == label] == part).sum())
            assert abs(got - share * count) < tolerance + 1e-9


@given(class_counts)
@settings(max_examples=30)
def test_every_class_trains(counts):
    targets = np.repeat(np.arange(len(counts)), counts)
    parts, _ = split(targets)
    assert set(targets[parts == "train"]) == set(targets)


def test_totals_are_right_too_when_every_class_is_small():
    # 100 classes of five: 3.5, 0.75 and 0.75 each, which no class can have by itself.
    parts, _ = split(np.repeat(np.arange(100), 5))
    assert sizes(parts) == [350, 75, 75]


def test_shares_of_large_classes_are_exact():
    targets = np.repeat([0, 1, 2], [100, 200, 1000])
    parts, told = split(targets)
    for label, count in ((0, 100), (1, 200), (2, 1000)):
        fifteen = 15 * count // 100
        assert sizes(parts[targets == label]) == [count - 2 * fifteen, fifteen, fifteen]
    assert told["split"].value == "stratified"


several = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 40), st.integers(0, 15)), min_size=9)


@given(several, st.sampled_from(["stratified", "random", "group", "time"]))
@settings(max_examples=100)
def test_neither_duplicates_nor_groups_straddle_the_split(rows, by):
    labels, duplicates, groups = np.array(rows).T
    times = np.arange(len(rows))
    try:
        parts, _ = split(
            labels, SplitRule(by=by), duplicates=duplicates, groups=groups, times=times
        )
    except DataError as error:
        assert "at least" in str(error)  # groups and duplicates chain all examples together
        return
    assert (parts == "train").any()
    for keys in (duplicates, groups):
        for key in set(keys):
            assert len(set(parts[keys == key])) == 1


@given(st.integers(4, 10), st.integers(0, 5))
@settings(max_examples=40)
def test_tiny_data_fill_every_part(number, seed):
    parts, _ = split(np.arange(number), SplitRule(seed=seed), classes=False)
    assert min(sizes(parts)) >= 1
    assert max(sizes(parts)) == sizes(parts)[0]


def test_three_examples_are_two_to_train_and_one_to_validate():
    parts, told = split(np.arange(3), classes=False)
    assert sizes(parts) == [2, 1, 0]
    assert told["share of test"].value == 0


def test_the_seed_decides():
    targets = np.repeat([0, 1], 100)
    first, again, other = (split(targets, SplitRule(seed=seed))[0] for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()
    for name in ("group", "random"):
        groups = np.arange(200) // 4
        one, two = (
            split(targets, SplitRule(by=name, seed=seed), groups=groups)[0] for seed in (0, 1)
        )
        assert (one != two).any()


def test_what_is_drawn_for_the_split_leaves_numpy_alone():
    before = np.random.get_state()[1].copy()
    split(np.repeat([0, 1], 50))
    np.testing.assert_array_equal(before, np.random.get_state()[1])


def test_large_groups_do_not_unbalance_the_parts():
    draw = np.random.default_rng(0)
    groups = np.repeat(np.arange(200), draw.integers(1, 30, size=200))
    labels = draw.integers(0, 2, size=len(groups))
    parts, told = split(labels, groups=groups)
    assert told["split"].value == "group"
    for part, share in zip(PARTS, (0.7, 0.15, 0.15), strict=True):
        assert abs((parts == part).mean() - share) < 0.01
        assert abs(labels[parts == part].mean() - labels.mean()) < 0.03


def test_a_group_too_large_for_its_share_is_told():
    parts, told = split(np.tile([0, 1], 50), groups=np.repeat([0, 1, 1, 2], 25))
    assert sizes(parts) == [75, 25, 0]  # training keeps two groups
    assert "are not cut" in told["share of test"].reason


def test_an_example_without_a_group_stands_alone():
    groups = np.array([None, "a", None, "a", float("nan")] * 20, dtype=object)
    parts, _ = split(np.zeros(100, int), groups=groups, classes=False)
    assert len(set(parts[groups == "a"])) == 1
    assert len(set(parts[groups == None])) == 3  # noqa: E711


def test_by_time_the_oldest_train_and_the_newest_test():
    times = np.random.default_rng(0).permutation(100)
    parts, told = split(np.zeros(100), times=times, classes=False)
    assert told["split"].value == "time"
    np.testing.assert_array_equal(parts[np.argsort(times)], np.repeat(PARTS, [70, 15, 15]))


def test_equal_times_stay_together():
    days = np.repeat(np.arange(10), 10).astype("datetime64[D]")
    parts, _ = split(np.zeros(100), times=days, classes=False)
    # The cuts nearest to 70 and 85 examples: after day 7, and after day 8 (80 as 90).
    assert sizes(parts) in ([70, 10, 20], [70, 20, 10])
    assert all(len(set(parts[days == day])) == 1 for day in set(days))


def test_by_time_no_training_example_is_newer_than_a_repetition_of_it():
    # The oldest example is repeated as the newest, so that both are tested.
    duplicates = [0, *range(1, 99), 0]
    parts, _ = split(np.zeros(100), times=np.arange(100), duplicates=duplicates, classes=False)
    assert parts[0] == parts[99] == "test"


def test_by_time_with_two_times_validates_on_the_second():
    parts, told = split(np.zeros(10), times=np.repeat([1.0, 2.0], 5), classes=False)
    assert sizes(parts) == [5, 5, 0]
    assert "share of test" in told


@pytest.mark.parametrize(
    ("times", "message"),
    [
        (np.full(9, 3), "two distinct times"),
        (np.array([1.0, np.nan, *range(7)]), "the first at example 1"),
        (np.array(["2020-01-01", "NaT"] + ["2021-01-01"] * 7, "datetime64[D]"), "at example 1"),
        (np.array([1, "a", *range(7)], dtype=object), "comparable"),
    ],
)
def test_times_that_cannot_be_sorted_are_refused(times, message):
    with pytest.raises(DataError, match=message):
        split(np.zeros(9), times=times, classes=False)


def test_one_group_is_refused():
    with pytest.raises(DataError, match=r"at least 3 groups .* got 1\. "):
        split([0, 1] * 10, groups=np.zeros(20))
    with pytest.raises(DataError, match=r"at least 3 groups .* got 2\. "):
        split(np.tile([0, 1], 50), groups=np.repeat([0, 1], 50))


def test_a_class_that_a_part_lacks_is_told():
    fixed = np.array(["train"] * 20 + ["valid"] * 5 + ["test"] * 5, dtype=object)
    _, told = split(["cat", "dog"] * 10 + ["cat"] * 5 + ["cat", "dog"] * 2 + ["cat"], parts=fixed)
    assert told["classes not in valid"].reason.endswith("dog")
    assert "classes not in test" not in told


def test_classes_of_one_example_each_are_refused():
    with pytest.raises(DataError, match="has 20 classes with one example each"):
        split([f"name {row}" for row in range(20)])
    parts, _ = split(["cat", "dog"], SplitRule(valid=0, test=0))
    assert sizes(parts) == [2, 0, 0]


def test_parts_fixed_by_the_source_stay():
    fixed = np.array(["test", "train", "valid"] * 10, dtype=object)
    parts, told = split([0, 1, 1] * 10, parts=fixed)
    np.testing.assert_array_equal(parts, fixed)
    assert told["split"].value == "fixed"
    assert "leak" not in told


def test_a_missing_part_is_carved_out_of_training():
    fixed = np.array(["train"] * 100 + ["test"] * 20, dtype=object)
    parts, _ = split(np.tile([0, 1], 60), parts=fixed)
    assert sizes(parts) == [85, 15, 20]
    assert set(parts[100:]) == {"test"}
    parts, _ = split(np.tile([0, 1], 60), parts=np.where(fixed == "test", "valid", fixed))
    assert sizes(parts) == [85, 20, 15]


def test_undecided_examples_are_split_with_training():
    fixed = np.array(["train", None, ""] * 20 + ["test"] * 10, dtype=object)
    parts, _ = split(np.tile([0, 1], 35), parts=fixed)
    assert sizes(parts) == [51, 9, 10]


def test_groups_that_cross_fixed_parts_are_counted_and_not_moved():
    fixed = np.array(["train"] * 6 + ["valid"] * 3 + ["test"] * 3, dtype=object)
    duplicates = [0, 1, 2, 3, 4, 5, 0, 7, 8, 8, 10, 0]
    parts, told = split([0, 1] * 6, duplicates=duplicates, parts=fixed)
    np.testing.assert_array_equal(parts, fixed)
    assert told["leak"].value == 3  # examples 6, 9 and 11


def test_a_class_that_only_the_test_part_has_is_told():
    fixed = np.array(["train"] * 20 + ["valid"] * 5 + ["test"] * 5, dtype=object)
    _, told = split(["cat", "dog"] * 12 + ["cow"] * 6, parts=fixed)
    assert told["unseen classes"].reason.endswith("cow")


def test_without_training_examples_the_source_is_refused():
    with pytest.raises(DataError, match="no training examples"):
        split([0, 1] * 5, parts=np.array(["valid", "test"] * 5))
    with pytest.raises(DataError, match=r"got 'tset' at example 1\."):
        split([0, 1] * 5, parts=np.array(["train", "tset"] * 5))


def test_a_class_with_one_example_trains_and_is_told():
    parts, told = split(["a"] * 20 + ["b"] * 20 + ["only"])
    assert parts[-1] == "train"
    assert told["rare classes"].reason.endswith("only")


def test_a_class_with_two_examples_trains_and_validates():
    labels = np.array(["a"] * 20 + ["b"] * 20 + ["two"] * 2)
    parts, _ = split(labels)
    assert set(parts[labels == "two"]) == {"train", "valid"}


def test_numbers_are_spread_by_quantile():
    values = np.random.default_rng(0).exponential(size=1000)
    parts, told = split(values, classes=False)
    assert "quantiles" in told["split"].reason
    edges = np.quantile(values, np.linspace(0, 1, 11))
    for low, high in itertools.pairwise(edges):
        assert abs((parts[(values > low) & (values < high)] == "test").sum() - 15) <= 2


def test_several_labels_at_once_are_split_at_random():
    labels = np.random.default_rng(0).integers(0, 2, size=(200, 3))
    parts, told = split(labels, classes=False)
    assert told["split"].value == "random"
    assert sizes(parts) == [140, 30, 30]
    with pytest.raises(SettingError, match="split='random'"):
        split(labels, SplitRule(by="stratified"), classes=False)


def test_shares_of_zero_leave_parts_empty():
    assert sizes(split([0, 1] * 10, SplitRule(valid=0, test=0))[0]) == [20, 0, 0]
    assert sizes(split([0, 1] * 10, SplitRule(valid=0))[0])[1] == 0
    by_time = split(np.zeros(20), SplitRule(test=0), times=np.arange(20), classes=False)[0]
    assert sizes(by_time) == [17, 3, 0]


def test_too_few_examples_are_refused():
    with pytest.raises(DataError, match="at least 3 examples are needed for 3 parts, got 2"):
        split([0, 1])
    assert sizes(split([0, 1], SplitRule(valid=0, test=0))[0]) == [2, 0, 0]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"valid": -0.1}, "valid must be a share between 0 and 1, got -0.1"),
        ({"test": 15}, "test must be a share between 0 and 1, got 15"),
        ({"valid": float("nan")}, "between 0 and 1, got nan"),
        ({"valid": 0.5, "test": 0.5}, "leave a share to train on"),
        ({"by": "groups"}, "Did you mean 'group'"),
    ],
)
def test_a_rule_out_of_range_is_refused(wrong, message):
    with pytest.raises(SettingError, match=message):
        SplitRule(**wrong)


@pytest.mark.parametrize("by", ["group", "time"])
def test_a_split_by_what_the_data_lack_is_refused(by):
    with pytest.raises(SettingError, match=f"needs {by}="):
        split([0, 1] * 10, SplitRule(by=by))


def test_the_time_grows_as_the_examples_do(cpu_seconds):
    def divide(count):
        labels = np.random.default_rng(0).integers(0, 10, size=count)
        return split(labels, duplicates=np.arange(count) // 2, groups=np.arange(count) // 3)

    # Measured at ten times; where each is compared with each it is a hundred times.
    assert cpu_seconds(lambda: divide(60_000)) < 40 * cpu_seconds(lambda: divide(6000), 10)
    parts, _ = divide(60_000)
    assert abs(sizes(parts)[0] - 42_000) < 30
