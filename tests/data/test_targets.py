import json

import numpy as np
import pytest
import torch
from sklearn.preprocessing import MultiLabelBinarizer

from thalweg.data import Target
from thalweg.data._target_values import as_targets
from thalweg.data._targets import infer_target, with_statistics
from thalweg.errors import DataError, ShapeError


def inferred(values, names=("y",), kind=None):
    return infer_target(values, names, kind)[0]


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (np.array(["a", "b"]), "category"),
        (np.array([True, False]), "category"),
        (np.array([0, 1] * 5), "category"),
        (np.array([0.0, 1.0] * 5), "category"),
        (np.arange(10), "number"),
        (np.array([0.5, 1.0] * 5), "number"),
        (np.arange(300) % 150, "number"),
        (np.array([1, 2.5, 7], dtype=object), "number"),
        (np.eye(3)[[0, 1, 2, 0]] + np.eye(3)[[1, 1, 1, 1]] > 0, "multilabel"),
        (np.random.default_rng(0).normal(size=(5, 2)), "number"),
    ],
)
def test_the_kind_is_read_off_the_values(values, kind):
    target, choice = infer_target(values, ("y",))
    assert target.kind == kind
    assert choice is not None
    assert choice.value == kind


def test_classes_are_in_order_and_keep_what_the_user_wrote():
    assert inferred(np.array(["b", "a", "c", "a"])).classes == ("a", "b", "c")
    assert inferred(np.array([10, 9, 10, 9])).classes == (9, 10)
    assert inferred(np.array([2.0, 1.0, 2.0, 1.0])).classes == (1, 2)
    assert inferred(np.array([True, False])).classes == (False, True)
    assert inferred(np.array([1, "a"], dtype=object)).classes == (1, "a")


def test_classes_are_encoded_as_their_position():
    values = np.array(["b", "a", "c", "a"])
    target = with_statistics(inferred(values), values)
    np.testing.assert_array_equal(target.encode(values), np.unique(values, return_inverse=True)[1])
    assert target.counts == (2, 1, 1)
    with pytest.raises(DataError, match="class 'd', which training did not have"):
        target.encode(np.array(["d"]))


def test_numbers_keep_their_moments():
    values = np.random.default_rng(0).normal(3, 2, size=(50, 2))
    target = with_statistics(inferred(values), values)
    np.testing.assert_allclose(target.mean, values.mean(axis=0), rtol=1e-6)
    np.testing.assert_allclose(target.scale, values.std(axis=0), rtol=1e-6)
    assert target.names == ("y 0", "y 1")
    assert target.encode(values).dtype == torch.float32


@pytest.mark.parametrize("as_kind", [set, list, tuple])
def test_label_sets_become_indicators_as_scikit_learn_makes_them(as_kind):
    labels = [as_kind(row) for row in (["cat"], ["dog", "cat"], [], ["owl"])]
    values = as_targets(labels, 4)
    target = with_statistics(inferred(values), values)
    binarizer = MultiLabelBinarizer()
    np.testing.assert_array_equal(target.encode(values), binarizer.fit_transform(labels))
    assert target.classes == tuple(binarizer.classes_)
    assert target.counts == (2, 1, 1)
    with pytest.raises(DataError, match="'fox'"):
        target.encode(as_targets([{"fox"}], 1))


def test_label_lists_of_one_length_are_labels_too():
    assert inferred(as_targets([["a", "b"], ["b", "c"]], 2)).classes == ("a", "b", "c")


def test_one_hot_rows_are_told_how_to_become_classes():
    _, choice = infer_target(np.eye(3)[[0, 1, 2, 0]], ("y",))
    assert choice is not None
    assert "argmax" in choice.reason
    with pytest.raises(ShapeError, match="argmax"):
        inferred(np.eye(3), kind="category")


@pytest.mark.parametrize(
    ("values", "kind", "message"),
    [
        (np.array(["a", "a"]), None, "only the class 'a'"),
        (np.array([3, 3, 3]), None, "only the class 3"),
        (np.array([3.5, 3.5]), None, "is 3.5 in every example"),
        (np.array([[1.5, 7], [2.5, 7]]), None, "'y 1' is 7 in every example"),
        (np.array([0.5, np.inf]), None, "must be finite, got infinity at example 1"),
        (np.array(["a", "b"]), "number", "must be numbers for regression"),
        (np.array(["ab", "cd"]), "multilabel", "a set of labels per example"),
        (np.array([[0, 2], [1, 0]]), "multilabel", "zeros and ones"),
        (np.array([1e9, 1e9 + 1]), "number", "varies too little"),
        (np.array([1e300, 0.0]), "number", "varies too little"),
        (np.array(["2024-01-01"], dtype="datetime64[D]"), None, "holds times"),
    ],
)
def test_a_useless_target_is_one_clear_line(values, kind, message):
    with pytest.raises(DataError, match=message) as caught:
        inferred(values, kind=kind)
    assert "\n" not in str(caught.value)


def test_no_label_anywhere_is_refused():
    with pytest.raises(DataError, match="no label"):
        inferred(as_targets([set(), set()], 2))


@pytest.mark.parametrize(
    "values",
    [np.array(["ü", "b"]), np.array([1, 0] * 3), np.array([0.1, 2.0]), np.array([True, False])],
)
def test_a_target_survives_json_exactly(values):
    target = with_statistics(inferred(values), values)
    again = Target.from_json(json.loads(json.dumps(target.to_json())))
    assert again == target
    assert torch.equal(again.encode(values), target.encode(values))


def test_labels_that_never_vary_are_refused():
    with pytest.raises(DataError, match="the same labels in every example"):
        infer_target(as_targets([{"a", "b"}] * 5, 5), ("tags",))


def test_a_complex_target_is_refused():
    with pytest.raises(DataError, match="is complex"):
        infer_target(np.arange(5) * 1j, ("z",))
