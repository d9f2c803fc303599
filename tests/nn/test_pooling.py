import pytest
import torch
import torch.nn.functional as F

from thalweg.errors import SettingError, ShapeError
from thalweg.nn import average_pool, global_average_pool, max_pool

PAIRS = [(max_pool, F.max_pool2d), (average_pool, F.avg_pool2d)]
# Side by side, overlapping as in AlexNet, with gaps, and with a border.
GEOMETRIES = [
    (2, {}),
    (3, {"stride": 2}),
    ((1, 2), {"stride": 3}),
    (3, {"stride": 2, "padding": 1}),
]


@pytest.mark.parametrize(("ours", "theirs"), PAIRS)
@pytest.mark.parametrize(("size", "options"), GEOMETRIES)
@pytest.mark.parametrize("draw", [torch.randn, lambda *shape: torch.randint(3, shape).float()])
def test_pools_are_torchs_forward_and_back_with_ties_too(ours, theirs, size, options, draw):
    torch.manual_seed(0)
    images = draw(2, 3, 9, 10).requires_grad_()
    expected, found = theirs(images, size, **options), ours(images, size, **options)
    torch.testing.assert_close(found, expected)
    upstream = torch.randn_like(expected)
    torch.testing.assert_close(
        torch.autograd.grad(found, images, upstream),
        torch.autograd.grad(expected, images, upstream),
    )


def test_the_gradient_is_routed_to_the_largest_pixel():
    image = torch.tensor([[1.0, 7.0, 2.0, 3.0], [4.0, 5.0, 9.0, 6.0]], requires_grad=True)
    pooled = max_pool(image[None, None], 2)
    pooled.backward(torch.tensor([[[[10.0, 20.0]]]]))
    assert image.grad.tolist() == [[0, 10, 0, 0], [0, 0, 20, 0]]


def test_overlapping_windows_add_up_what_they_send_to_the_same_pixel():
    image = torch.tensor([[0.0, 9.0, 0.0]], requires_grad=True)
    max_pool(image[None, None], (1, 2), stride=1).sum().backward()
    assert image.grad.tolist() == [[0, 2, 0]]


def test_the_global_mean_is_torchs_and_shares_the_gradient_evenly():
    images = torch.randn(2, 3, 4, 5, requires_grad=True)
    found = global_average_pool(images)
    torch.testing.assert_close(found, F.adaptive_avg_pool2d(images, 1).flatten(1))
    found.sum().backward()
    assert images.grad.unique().tolist() == pytest.approx([1 / 20])


def test_bad_input_is_told():
    with pytest.raises(ShapeError, match="at least 3×3 pixels, got 2×5"):
        max_pool(torch.zeros(1, 1, 2, 5), 3)
    with pytest.raises(SettingError, match="at most half the window"):
        max_pool(torch.zeros(1, 1, 5, 5), 2, padding=2)
