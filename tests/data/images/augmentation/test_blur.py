import numpy as np
import torch
from scipy.ndimage import gaussian_filter

from thalweg.data.images.augmentation._blur import blurred


def test_each_picture_is_blurred_as_scipy_would():
    images = torch.randn(4, 3, 12, 15, generator=torch.Generator().manual_seed(0))
    deviations = torch.tensor([0.0, 0.6, 1.3, 2.0])
    found = blurred(images, deviations, largest=2.0)
    assert torch.equal(found[0], images[0])
    for picture in range(1, 4):
        expected = gaussian_filter(
            images[picture].double().numpy(),
            float(deviations[picture]),
            axes=(1, 2),
            mode="nearest",
            radius=6,
        )
        np.testing.assert_allclose(found[picture].numpy(), expected, atol=1e-5)


def test_small_pictures_can_be_blurred_widely():
    images = torch.rand(2, 1, 3, 3)
    found = blurred(images, torch.tensor([10.0, 5.0]), largest=10.0)
    assert found.shape == images.shape
    assert found.min() >= images.min() - 1e-6
    assert found.max() <= images.max() + 1e-6


def test_a_grey_picture_alone_has_the_bits_that_it_has_among_others():
    images = torch.rand(5, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    deviations = torch.tensor([0.3, 0.9, 0.5, 1.0, 0.7])
    among = blurred(images, deviations, largest=1.0)
    for place in range(5):
        few = slice(place, place + 1)
        assert torch.equal(blurred(images[few], deviations[few], largest=1.0), among[few])
