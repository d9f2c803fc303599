import pytest
import torch
import torch.nn.functional as F

from thalweg.nn import AtLeast


def test_a_few_missing_pixels_become_a_border_of_the_outermost_ones():
    images = torch.arange(9.0).reshape(1, 1, 3, 3)
    framed = AtLeast(5)(images)
    expected = torch.tensor(
        [
            [0, 0, 1, 2, 2],
            [0, 0, 1, 2, 2],
            [3, 3, 4, 5, 5],
            [6, 6, 7, 8, 8],
            [6, 6, 7, 8, 8],
        ]
    )
    assert torch.equal(framed[0, 0], expected.float())


def test_small_images_are_enlarged_bilinearly():
    images = torch.randn(2, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(
        AtLeast(32)(images), F.interpolate(images, scale_factor=4, mode="bilinear")
    )


@pytest.mark.parametrize(
    ("height", "width"), [(1, 1), (8, 40), (28, 31), (31, 45), (32, 32), (40, 50), (20, 30)]
)
def test_no_side_is_shorter_than_asked_nor_cut(height, width):
    fit = AtLeast(32)
    shape = fit(torch.zeros(1, 1, height, width)).shape[2:]
    assert tuple(shape) == fit.fitted(height, width) == (max(height, 32), max(width, 32))


def test_large_enough_images_pass_untouched():
    images = torch.zeros(1, 1, 32, 40)
    assert AtLeast(32)(images) is images
