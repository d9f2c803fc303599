import numpy as np
import pytest
import torch
from scipy import ndimage

from thalweg.errors import ShapeError, UnknownNameError
from thalweg.nn import filter_image, image_filters

# The picture of the course's slides on filtering.
PICTURE = torch.tensor(
    [
        [255, 128, 128, 240, 1, 128, 24, 255],
        [255, 128, 245, 240, 1, 128, 24, 255],
        [245, 128, 245, 240, 1, 128, 128, 128],
        [24, 24, 24, 255, 255, 0, 0, 0],
        [0, 0, 0, 0, 0, 0, 0, 0],
        [245, 245, 128, 128, 128, 128, 245, 245],
        [245, 245, 245, 240, 240, 240, 255, 240],
        [255, 240, 128, 240, 240, 128, 240, 255],
    ],
    dtype=torch.float32,
)


def test_the_first_smoothed_pixel_is_178_and_the_second_204_75():
    smooth = filter_image(PICTURE, "smoothing")
    assert float(smooth[0, 0]) == pytest.approx(2141 / 12)
    # (128+128+240 + 128+4·245+240 + 128+245+240)/12; the slide read its own 178 and got 209.
    assert float(smooth[0, 1]) == pytest.approx(204.75)
    in_place = PICTURE.clone()
    for column in (1, 2):
        window = in_place[0:3, column - 1 : column + 2]
        in_place[1, column] = (window * image_filters["smoothing"]).sum().floor()
    assert float(in_place[1, 2]) == 208.0  # 2507/12 = 208.9, which the slide rounds to 209


@pytest.mark.parametrize("name", image_filters.names())
@pytest.mark.parametrize(("border", "mode"), [("repeat", "nearest"), ("zero", "constant")])
def test_filters_agree_with_scipy(name, border, mode):
    kernel = image_filters[name].numpy()
    expected = ndimage.correlate(PICTURE.numpy(), kernel, mode=mode)
    found = filter_image(PICTURE, name, border)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-3)
    cut = filter_image(PICTURE, name)
    np.testing.assert_allclose(cut, expected[1:-1, 1:-1], rtol=1e-5, atol=1e-3)


def test_edges_answer_where_the_picture_changes_and_nowhere_else():
    picture = torch.zeros(6, 6)
    picture[:, 3:] = 1
    assert filter_image(picture, "vertical_edges").unique().tolist() == [-3.0, 0.0]
    assert not filter_image(picture, "horizontal_edges").any()
    assert torch.equal(
        filter_image(picture.T, "horizontal_edges"), filter_image(picture, "vertical_edges").T
    )


def test_many_images_are_filtered_at_once_by_weights_of_ones_own():
    pictures = torch.randn(2, 3, 5, 6)
    found = filter_image(pictures, torch.tensor([[0.0, 1.0]]))
    assert torch.equal(found, pictures[..., 1:])
    assert filter_image(pictures, torch.ones(2, 4), "zero").shape == pictures.shape


def test_bad_input_is_told():
    with pytest.raises(UnknownNameError, match="Did you mean 'smoothing'"):
        filter_image(PICTURE, "smothing")
    with pytest.raises(ShapeError, match="at least 3×3 pixels, got 2×8"):
        filter_image(PICTURE[:2], "smoothing")
