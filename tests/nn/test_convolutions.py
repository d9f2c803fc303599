import pytest
import torch
import torch.nn.functional as F

from thalweg.errors import SettingError, ShapeError
from thalweg.nn import convolutions, im2col

GEOMETRIES = [
    {},
    {"stride": 2},
    {"padding": 2},
    {"dilation": 2},
    {"groups": 2},
    {"stride": (2, 3), "padding": (1, 0), "dilation": (1, 2), "groups": 4},
]


@pytest.mark.parametrize("geometry", GEOMETRIES, ids=str)
@pytest.mark.parametrize("size", [(1, 1), (3, 3), (2, 5)])
@pytest.mark.parametrize("way", convolutions.names())
def test_every_way_is_torchs_convolution_forward_and_back(way, size, geometry):
    torch.manual_seed(0)
    images = torch.randn(2, 4, 9, 11, dtype=torch.float64, requires_grad=True)
    weight = torch.randn(8, 4 // geometry.get("groups", 1), *size).double().requires_grad_()
    expected = F.conv2d(images, weight, **geometry)
    found = convolutions[way](images, weight, **geometry)
    torch.testing.assert_close(found, expected)
    upstream = torch.randn_like(expected)
    torch.testing.assert_close(
        torch.autograd.grad(found, [images, weight], upstream),
        torch.autograd.grad(expected, [images, weight], upstream),
    )


def test_columns_are_torchs():
    images = torch.randn(2, 3, 7, 6)
    options = {"stride": 2, "padding": 1, "dilation": 2}
    assert torch.equal(im2col(images, (3, 2), **options), F.unfold(images, (3, 2), **options))


def test_filters_are_as_many_rows_as_there_are_of_f_times_f_times_c():
    # The notes say one row of f·f·K numbers.
    weight = torch.randn(8, 3, 5, 5)
    columns = im2col(torch.randn(1, 3, 12, 12), 5)
    rows = weight.reshape(8, -1)
    assert rows.shape == (8, 5 * 5 * 3)
    assert columns.shape == (1, 5 * 5 * 3, 8 * 8)
    assert (rows @ columns[0]).shape == (8, 8 * 8)


def test_the_product_of_spectra_is_the_spectrum_of_the_turned_convolution():
    # On a circle, where nothing is lost at the edges, by the sum itself.
    x, w = torch.randn(2, 8, dtype=torch.float64)
    circular = torch.stack(
        [sum(x[(place - offset) % 8] * w[offset] for offset in range(8)) for place in range(8)]
    )
    torch.testing.assert_close(torch.fft.fft(x) * torch.fft.fft(w), torch.fft.fft(circular))


@pytest.mark.parametrize("way", convolutions.names())
def test_what_does_not_fit_together_is_told(way):
    convolve = convolutions[way]
    with pytest.raises(ShapeError, match="must read 6 channels"):
        convolve(torch.zeros(1, 3, 8, 8), torch.zeros(4, 3, 3, 3), groups=2)
    with pytest.raises(ShapeError, match="at least 5×5 pixels, got 4×8"):
        convolve(torch.zeros(1, 1, 4, 8), torch.zeros(1, 1, 5, 5))
    with pytest.raises(SettingError, match="at least 1"):
        convolve(torch.zeros(1, 1, 8, 8), torch.zeros(1, 1, 3, 3), stride=0)
