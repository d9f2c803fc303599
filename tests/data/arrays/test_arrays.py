import json

import numpy as np
import pytest
import torch
from sklearn.preprocessing import StandardScaler

import thalweg as tw
from thalweg.data import ArrayEncoder, ArrayInputs
from thalweg.data.arrays._arrays import as_numbers
from thalweg.errors import DataError, ShapeError


def fitted(values):
    return ArrayEncoder.fit(ArrayInputs(np.asarray(values)))[0]


def test_features_are_standardized_as_scikit_learn_does():
    values = np.random.default_rng(0).lognormal(size=(3000, 5))
    encoder = fitted(values[:100])
    expected = StandardScaler().fit(values[:100]).transform(values)
    encoded = encoder.encode(ArrayInputs(values))
    assert encoded.dtype == torch.float32
    np.testing.assert_allclose(encoded, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("dtype", [np.float64, np.int64])
def test_a_feature_far_from_zero_keeps_what_varies(dtype):
    seconds = (1_700_000_000 + np.arange(5))[:, None].astype(dtype)
    encoder = fitted(seconds)
    expected = (np.arange(5)[:, None] - 2) / np.sqrt(2)
    np.testing.assert_allclose(encoder.encode(ArrayInputs(seconds)), expected, rtol=1e-6)
    again = ArrayEncoder.from_json(json.loads(json.dumps(encoder.to_json())))
    np.testing.assert_array_equal(
        again.encode(ArrayInputs(seconds)), encoder.encode(ArrayInputs(seconds))
    )


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.int32, bool])
def test_any_kind_of_number_is_taken(dtype):
    values = np.array([[0, 1], [1, 1], [1, 0], [0, 0]]).astype(dtype)
    expected = [[-1, 1], [1, 1], [1, -1], [-1, -1]]
    np.testing.assert_allclose(fitted(values).encode(ArrayInputs(values)), expected, atol=1e-3)


def test_a_constant_feature_is_only_centred_and_counted():
    values = np.array([[0.1, 1.0], [0.1, 2.0], [0.1, 3.0]], dtype=np.float32)
    encoder, choices = ArrayEncoder.fit(ArrayInputs(values))
    assert encoder.constant == 1
    assert "1 constant features" in choices[0].reason
    np.testing.assert_allclose(encoder.encode(ArrayInputs(values))[:, 0], 0, atol=1e-6)
    with pytest.raises(DataError, match="same in every training example"):
        fitted(np.ones((4, 3)))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_finite_are_named_by_place(bad):
    values = np.zeros((4, 3))
    values[2, 1] = bad
    with pytest.raises(DataError, match="the first at row 2, feature 1"):
        tw.load(values, [0, 1, 0, 1])


def test_a_number_too_large_for_float32_is_refused():
    encoder = fitted([[0.0], [1.0]])
    with pytest.raises(DataError, match="finite once standardized"):
        encoder.encode(ArrayInputs(np.array([[1e200]])))
    with pytest.raises(DataError, match="finite once standardized"):
        fitted([[1e200], [-1e200]])


def test_one_example_or_several_are_read_at_prediction():
    encoder = fitted(np.random.default_rng(0).normal(size=(9, 4)))
    for given in ([1, 2, 3, 4], np.arange(4.0), torch.arange(4)):
        read, names = encoder.read(given)
        assert len(read) == 1
        assert names == ("row 0",)
    assert encoder.read(np.zeros((4, 4)))[1] == ("row 0", "row 1", "row 2", "row 3")
    with pytest.raises(ShapeError, match=r"\(examples, 4\) as in training, got \(2, 3\)"):
        encoder.read(np.zeros((2, 3)))
    with pytest.raises(DataError, match=r"shape \(examples, 4\) is needed, got 'new.csv'"):
        encoder.read("new.csv")


def test_images_of_floats_keep_their_shape():
    values = np.random.default_rng(0).normal(size=(6, 1, 4, 5))
    encoder = fitted(values)
    assert encoder.shape == (1, 4, 5)
    assert encoder.encode(encoder.read(values[0])[0]).shape == (1, 1, 4, 5)
    assert encoder.values(torch.zeros(1, 4, 5)) == {}


def test_an_example_reads_back_as_it_was():
    values = np.array([[1.5, -3.0], [2.5, 7.0]])
    encoder = fitted(values)
    back = encoder.values(encoder.encode(ArrayInputs(values))[1])
    assert back == {"feature 0": pytest.approx(2.5), "feature 1": pytest.approx(7.0)}


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ([[1, 2], [3]], "rows of equal length"),
        ([["a"], ["b"]], "must be numbers"),
        ([[1j]], "must be numbers"),
        ([[None, "a"]], "must be numbers"),
        (3.0, "one row per example"),
        ([], "must hold examples"),
        (np.zeros((3, 0)), "must hold examples"),
    ],
)
def test_what_holds_no_numbers_is_refused_in_one_line(data, message):
    with pytest.raises(DataError, match=message) as caught:
        as_numbers(data, "the inputs")
    assert "\n" not in str(caught.value)


def test_a_single_axis_is_one_feature_and_half_precision_is_read():
    assert as_numbers([1, 2, 3], "x").shape == (3, 1)
    halves = torch.tensor([[0.5], [1.0]], dtype=torch.bfloat16, requires_grad=True)
    np.testing.assert_array_equal(as_numbers(halves, "x"), [[0.5], [1.0]])


def test_masked_entries_are_missing():
    masked = np.ma.array([[1, 2]], mask=[[False, True]])
    with pytest.raises(DataError, match="1 NaN or infinite values, the first at row 0, feature 1"):
        as_numbers(masked, "x")


def test_equal_rows_and_only_they_have_equal_digests():
    digests = ArrayInputs(np.array([[0.0, 1.0], [-0.0, 1.0], [1.0, 0.0], [0.0, 1.0]])).digests()
    assert [digests.index(digest) for digest in digests] == [0, 0, 2, 0]


def test_points_in_few_dimensions_are_no_near_duplicates():
    rng = np.random.default_rng(0)
    assert ArrayInputs(rng.normal(size=(20, 7))).signatures() is None
    values = rng.normal(size=(20, 8))
    values[1] = values[0] + 1e-5
    signatures = ArrayInputs(values).signatures()
    assert signatures is not None
    distances = np.linalg.norm(signatures - signatures[0], axis=1)
    assert distances[1] < 1 < distances[2:].min()


def test_lists_arrays_and_tensors_load_alike():
    values = np.random.default_rng(0).normal(size=(40, 3))
    target = np.arange(40) % 2
    expected = tw.load(values, target)
    for data, labels in ((values.tolist(), target.tolist()), (torch.tensor(values), target)):
        splits = tw.load(data, labels)
        assert torch.equal(splits.train.inputs, expected.train.inputs)
        assert splits.schema.fingerprint == expected.schema.fingerprint


def test_groups_and_times_lie_beside_arrays():
    draw = np.random.default_rng(0)
    inputs, labels = draw.normal(size=(60, 3)), np.tile([0, 1], 30)
    groups = np.repeat(np.arange(12), 5)
    splits = tw.load(inputs, labels, group=groups)
    of = [
        {groups[int(name.split()[1])] for name in splits[part].names}
        for part in ("train", "valid", "test")
    ]
    assert all(of)
    assert sum(map(len, of)) == 12  # none in two parts
    pictures = draw.integers(0, 256, (60, 4, 4), dtype=np.uint8)
    splits = tw.load(pictures, labels, time=-np.arange(60))
    assert set(splits.test.names) == {f"row {row}" for row in range(9)}
    with pytest.raises(ShapeError, match=r"group must have one entry per example, 60 in all"):
        tw.load(inputs, labels, group=[1, 2])


def test_the_row_of_another_length_is_named():
    with pytest.raises(DataError, match="got 2 values in row 0 and 3 in row 1"):
        tw.load([[1, 2], [1, 2, 3], [1]], [0, 1, 0])
