import numpy as np
import pytest
import torch

from thalweg.data import Rows
from thalweg.data.images import _facts
from thalweg.data.images._facts import Facts, moments


@pytest.fixture
def values(monkeypatch) -> torch.Tensor:
    monkeypatch.setattr(_facts, "CHUNK", 7)
    draw = np.random.default_rng(0)
    return torch.from_numpy(draw.integers(0, 256, (30, 3, 20, 18), dtype=np.uint8))


def test_sums_give_numpys_moments_of_the_centre(values):
    sums = Facts.of(values, (10, 12)).sums
    centre = values.numpy()[:, :, 5:15, 3:15] / 255
    mean, std = moments(sums, 120)
    np.testing.assert_allclose(mean, centre.mean(axis=(0, 2, 3)), rtol=1e-12)
    np.testing.assert_allclose(std, centre.std(axis=(0, 2, 3)), rtol=1e-12)


def test_what_never_varies_has_a_deviation_of_exactly_zero():
    values = torch.full((9, 1, 5, 7), 173, dtype=torch.uint8)
    assert moments(Facts.of(values, (5, 7)).sums, 35) == ([173 / 255], [0.0])


def test_facts_do_not_depend_on_how_many_are_looked_at_at_once(values, monkeypatch):
    first = Facts.of(values, (20, 18))
    monkeypatch.setattr(_facts, "CHUNK", 64)
    whole = Facts.of(Rows(values), (20, 18))
    some = np.array([3, 29, 4])
    for name in ("digests", "sums", "thumbnails"):
        np.testing.assert_array_equal(getattr(first, name), getattr(whole, name))
        np.testing.assert_array_equal(getattr(first.select(some), name), getattr(first, name)[some])


def test_too_many_to_compare_have_no_thumbnails(values, monkeypatch):
    monkeypatch.setattr(_facts, "MOST_EXAMPLES", 29)
    facts = Facts.of(values, (20, 18))
    assert facts.thumbnails.shape == (30, 0)
    assert facts.digests.shape == (30, 16)


def test_each_chunk_is_shown_once(values):
    seen = []
    Facts.of(values, (20, 18), seen.append)
    assert torch.equal(torch.cat(seen), values)
