import pytest
import torch
import torch.nn.functional as F
from hypothesis import assume, given
from hypothesis import strategies as st

from thalweg._core.windows import Windows, pair
from thalweg.errors import SettingError, ShapeError

sizes = st.integers(1, 4)


@given(st.integers(1, 20), sizes, sizes, st.integers(0, 3), sizes)
def test_places_are_as_many_as_torchs_convolution_has(image, size, stride, padding, dilation):
    windows = Windows(pair(size), pair(stride), pair(padding), pair(dilation))
    assume(image + 2 * padding >= windows.reach[0])
    kernel = torch.ones(1, 1, size, size)
    found = F.conv2d(
        torch.ones(1, 1, image, image), kernel, stride=stride, padding=padding, dilation=dilation
    )
    assert windows.places((image, image)) == tuple(found.shape[2:])


def test_a_pixel_of_the_window_sees_the_image_moved():
    windows = Windows((2, 2), (2, 1), dilation=(1, 2))
    image = torch.arange(20).reshape(4, 5)
    places = windows.places((4, 5))
    assert windows.at(image, 1, 1, places).tolist() == [[7, 8, 9], [17, 18, 19]]


def test_what_is_impossible_is_told():
    with pytest.raises(ShapeError, match="at least 3×3 pixels, got 2×9"):
        Windows((5, 5), padding=(1, 1)).places((2, 9))
    for wrong in ({"size": (0, 1)}, {"stride": (1, 0)}, {"padding": (-1, 0)}, {"dilation": (0, 1)}):
        with pytest.raises(SettingError, match="at least 1"):
            Windows(**{"size": (1, 1), **wrong})
