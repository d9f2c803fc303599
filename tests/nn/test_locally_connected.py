import pytest
import torch
import torch.nn.functional as F
from torch import nn

import thalweg as tw
from thalweg.errors import ShapeError
from thalweg.nn import LocallyConnected2d

GEOMETRY = {"stride": 2, "padding": 1}


def test_with_the_same_weights_everywhere_it_is_a_convolution():
    shared = nn.Conv2d(2, 3, 3, **GEOMETRY)
    layer = LocallyConnected2d(2, 3, 3, image_size=(7, 9), **GEOMETRY)
    with torch.no_grad():
        layer.weight.copy_(shared.weight.flatten(1).expand_as(layer.weight))
        layer.bias.copy_(shared.bias.expand_as(layer.bias))
    images = torch.randn(4, 2, 7, 9)
    torch.testing.assert_close(layer(images), shared(images))


def test_each_place_has_weights_of_its_own():
    layer = LocallyConnected2d(1, 1, 2, image_size=3, bias=False)
    image = torch.randn(1, 1, 3, 3)
    found = layer(image)[0, 0]
    for place in range(4):
        row, column = divmod(place, 2)
        window = image[0, 0, row : row + 2, column : column + 2]
        expected = (window * layer.weight[place, 0].reshape(2, 2)).sum()
        torch.testing.assert_close(found[row, column], expected)


def test_it_has_a_set_of_weights_for_each_place_and_the_cost_of_a_convolution():
    layer = LocallyConnected2d(3, 8, 5, image_size=32)
    places = 28 * 28
    assert sum(each.numel() for each in layer.parameters()) == places * 8 * (5 * 5 * 3 + 1)
    found = tw.anatomy(nn.Sequential(layer), (3, 32, 32))
    assert found.macs == places * 8 * 5 * 5 * 3
    assert found.macs == tw.anatomy(nn.Sequential(nn.Conv2d(3, 8, 5)), (3, 32, 32)).macs


def test_its_gradient_is_right_and_it_keeps_what_networks_promise():
    layer = LocallyConnected2d(2, 3, 3, image_size=5, **GEOMETRY)
    report = tw.autodiff.check_gradients(layer, torch.randn(2, 2, 5, 5))
    assert report.passed, report
    network = nn.Sequential(layer, nn.ReLU(), nn.Flatten(), nn.Linear(27, 3))
    report = tw.check_model(network, torch.randn(8, 2, 5, 5))
    assert report.passed, report


def test_it_learns_what_a_convolution_cannot():
    # The target is the image, times −1 in its lower half: another filter there.
    torch.manual_seed(0)
    images = torch.randn(64, 1, 4, 4)
    sign = torch.tensor([1.0, 1.0, -1.0, -1.0])[:, None]

    def remaining(layer):
        optimizer = torch.optim.Adam(layer.parameters(), 0.05)
        for _ in range(150):
            optimizer.zero_grad()
            loss = F.mse_loss(layer(images), images * sign)
            loss.backward()
            optimizer.step()
        return float(loss.detach())

    assert remaining(LocallyConnected2d(1, 1, 1, image_size=4)) < 1e-3
    assert remaining(nn.Conv2d(1, 1, 1)) > 0.5


def test_another_image_size_is_told():
    with pytest.raises(ShapeError, match=r"shape \(batch, 1, 8, 8\), got \(2, 1, 9, 8\)"):
        LocallyConnected2d(1, 2, 3, image_size=8)(torch.zeros(2, 1, 9, 8))
    with pytest.raises(ShapeError, match="at least 5×5 pixels, got 4×4"):
        LocallyConnected2d(1, 2, 5, image_size=4)
