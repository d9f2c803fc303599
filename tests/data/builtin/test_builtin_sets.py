import numpy as np
import pytest
from sklearn import datasets

import thalweg as tw
from thalweg.data import ImageInputs, TableInputs, builtins
from thalweg.errors import SettingError


def test_digits_are_the_real_ones_stretched_to_bytes():
    raw = builtins["digits"]()
    assert isinstance(raw.inputs, ImageInputs)
    theirs = datasets.load_digits()
    np.testing.assert_allclose(raw.inputs.values[:, 0] * (16 / 255), theirs.images, atol=0.04)
    assert raw.inputs.values.max() == 255
    np.testing.assert_array_equal(raw.targets, theirs.target)


@pytest.mark.parametrize(
    ("name", "loader", "classes"),
    [
        ("iris", datasets.load_iris, ("setosa", "versicolor", "virginica")),
        ("wine", datasets.load_wine, ("class_0", "class_1", "class_2")),
        ("breast-cancer", datasets.load_breast_cancer, ("benign", "malignant")),
    ],
)
def test_tables_have_real_names_of_columns_and_classes(name, loader, classes):
    raw, theirs = builtins[name](), loader()
    assert isinstance(raw.inputs, TableInputs)
    assert raw.inputs.frame.columns == list(theirs.feature_names)
    np.testing.assert_array_equal(raw.inputs.frame.to_numpy(), theirs.data)
    assert list(raw.targets) == [theirs.target_names[label] for label in theirs.target]
    assert tw.load(name).schema.target.classes == classes


def test_diabetes_is_a_regression_in_real_units():
    data = tw.load("diabetes")
    assert data.schema.target.kind == "number"
    assert data.schema.target.names == ("progression",)
    ages = builtins["diabetes"]().inputs.frame["age"]
    assert 18 < ages.min() < ages.max() < 90


def test_another_column_can_be_the_target():
    target = tw.load("wine", "alcohol").schema.target
    assert (target.names, target.kind) == (("alcohol",), "number")


@pytest.mark.parametrize(
    ("name", "options", "shape", "described"),
    [
        ("xor", {"n": 40}, (2,), "2 classes"),
        ("moons", {"n": 40, "noise": 0.3}, (2,), "2 classes"),
        ("spirals", {"n": 60, "classes": 3, "turns": 2}, (2,), "3 classes"),
        ("piecewise", {"n": 50, "kink": 0.3, "right": -2.0}, (1,), "1 number"),
        ("glyphs", {"n": 90}, (1, 28, 28), "10 classes"),
        ("glyphs", {"n": 90, "alphabet": "xyz", "distortion": 0.5}, (1, 28, 28), "3 classes"),
    ],
)
def test_generated_sets_take_their_options(name, options, shape, described):
    data = tw.load(name, **options)
    assert sum(data.schema.counts.values()) == options["n"]
    assert data.schema.encoder.shape == shape
    assert str(data.schema.target) == described
    assert data.schema.is_reloadable
    again = tw.load(data.schema.source, **data.schema.options)
    assert again.schema.fingerprint == data.schema.fingerprint


def test_glyphs_are_called_by_their_characters():
    assert tw.load("glyphs", n=60, alphabet="aB").schema.target.classes == ("B", "a")


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("xor", {"n": 0}, "n must be a whole number of examples, at least 1, got 0"),
        ("moons", {"noise": -1.0}, "noise must be zero or more, got -1.0"),
        ("piecewise", {"noise": float("nan")}, "noise must be zero or more, got nan"),
        ("glyphs", {"distortion": float("inf")}, "distortion must be zero or more, got inf"),
        ("spirals", {"classes": 1}, "classes must be at least 2, got 1"),
    ],
)
def test_options_out_of_range_are_refused(name, options, message):
    with pytest.raises(SettingError, match=message):
        tw.load(name, **options)
