import numpy as np
import torch
from scipy import stats

from thalweg.data.images.augmentation._draws import LEVELS, hashed
from thalweg.data.images.augmentation._noise import noisy, normal


def keys(*rows: tuple[int, int]) -> torch.Tensor:
    return torch.tensor(rows, dtype=torch.int32)


def in_python(counter: int, first: int, second: int) -> tuple[int, int]:
    """The same hash with Python's numbers, which never overflow."""

    def mixed(bits: int) -> int:
        for _ in range(2):
            bits = ((bits >> 16) ^ bits) * 0x45D9F3B % 2**32
        return (bits >> 16) ^ bits

    bits = mixed(mixed(counter ^ first) ^ second)
    return bits % 2**16, bits >> 16


def test_bits_are_those_of_whole_numbers_that_wrap_around():
    found = hashed(keys((12345, 678), (2**24 - 1, 9)), 2000).tolist()
    for row, key in zip(found, ((12345, 678), (2**24 - 1, 9)), strict=True):
        expected = [in_python(counter, *key) for counter in range(1000)]
        assert row == [low for low, _ in expected] + [high for _, high in expected]


def test_noise_is_normal_and_white():
    (noise,) = normal(keys((1, 2)), 200_000).double().numpy()
    # With a true normal distribution, one seed in a hundred would fail each of these.
    assert stats.kstest(noise, "norm").pvalue > 0.01
    for lag in (1, 2, 224, 100_000):
        correlation = np.corrcoef(noise[:-lag], noise[lag:])[0, 1]
        assert abs(correlation) * np.sqrt(len(noise) - lag) < 2.6


def test_neighbouring_keys_have_noise_of_their_own():
    noise = normal(keys((1, 1), (2, 1), (1, 2), (3, 3)), 50_000).double().numpy()
    correlations = np.corrcoef(noise) - np.eye(4)
    assert np.abs(correlations).max() * np.sqrt(50_000) < 3.5


def test_bits_fill_all_levels_evenly():
    (drawn,) = hashed(keys((77, 5)), 4 * LEVELS).numpy()
    counts = np.bincount(drawn // 256, minlength=256)
    assert stats.chisquare(counts).pvalue > 0.01


def test_strength_is_a_standard_deviation_by_picture_and_channel():
    images = torch.zeros(2, 3, 100, 100)
    strength = torch.tensor([[0.1, 0.2, 0.3], [0.0, 1.0, 2.0]])
    found = noisy(images, keys((3, 4), (5, 6)), strength).std(dim=(2, 3))
    torch.testing.assert_close(found, strength, rtol=0.05, atol=0)
