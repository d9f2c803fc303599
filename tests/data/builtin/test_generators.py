import numpy as np
import pytest
from sklearn.datasets import make_moons
from sklearn.linear_model import LinearRegression, LogisticRegression

from thalweg.data.builtin._generators import draw_moons, draw_piecewise, draw_spirals, draw_xor


def test_xor_without_noise_is_the_truth_table():
    points, labels = draw_xor(8, seed=0, noise=0.0)
    for (left, right), label in zip(points, labels, strict=True):
        assert label == (left != right)
    assert sorted(map(tuple, points)) == sorted([(0, 0), (0, 1), (1, 0), (1, 1)] * 2)


def test_no_line_separates_xor_but_the_product_does():
    points, labels = draw_xor(400, seed=0, noise=0.1)
    assert LogisticRegression().fit(points, labels).score(points, labels) < 0.8
    product = ((points[:, 0] - 0.5) * (points[:, 1] - 0.5) < 0).astype(int)
    assert (product == labels).mean() > 0.99


def test_moons_lie_where_scikit_learn_puts_them():
    points, labels = draw_moons(300, seed=0, noise=0.0)
    theirs, kinds = make_moons(4000, noise=None)
    for label in (0, 1):
        gaps = points[labels == label][:, None] - theirs[kinds == label]
        assert np.linalg.norm(gaps, axis=2).min(axis=1).max() < 2e-3


@pytest.mark.parametrize("classes", [2, 3, 5])
def test_spirals_turn_with_the_radius(classes):
    points, labels = draw_spirals(300, seed=0, noise=0.0, classes=classes, turns=1.5)
    radius = np.hypot(*points.T)
    expected = 2 * np.pi * (1.5 * radius + labels / classes)
    turned = np.arctan2(points[:, 1], points[:, 0]) - expected
    np.testing.assert_allclose(np.exp(1j * turned), 1, atol=1e-9)
    assert radius.max() <= 1
    assert set(np.bincount(labels)) == {300 // classes}


def test_piecewise_interpolates_between_its_ends_and_its_kink():
    x, y = draw_piecewise(500, seed=0, noise=0.0, left=-0.5, right=3.0, kink=0.2, offset=1.0)
    ends = [1.0 - 0.5 * (-1 - 0.2), 1.0, 1.0 + 3.0 * 0.8]
    np.testing.assert_allclose(y, np.interp(x[:, 0], [-1, 0.2, 1], ends), atol=1e-12)
    assert x.shape == (500, 1)
    assert x.min() < -0.95
    assert x.max() > 0.95


def test_two_relus_represent_piecewise_exactly():
    x, y = draw_piecewise(500, seed=0, noise=0.0, left=-1.0, right=2.0, kink=-0.3, offset=0.5)
    hidden = np.maximum(np.hstack([x + 0.3, -x - 0.3]), 0)
    assert LinearRegression().fit(hidden, y).score(hidden, y) > 1 - 1e-12


@pytest.mark.parametrize("draw", [draw_xor, draw_moons])
def test_noise_has_the_standard_deviation_asked_for(draw):
    noisy, _ = draw(5000, seed=3, noise=0.3)
    clean, _ = draw(5000, seed=3, noise=0.0)
    assert (noisy - clean).std() == pytest.approx(0.3, rel=0.03)


def test_the_seed_decides():
    first, again, other = (draw_moons(20, seed=seed, noise=0.1)[0] for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert (first != other).all()
