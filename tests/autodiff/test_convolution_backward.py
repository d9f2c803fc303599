import pytest
import torch
import torch.nn.functional as F

from thalweg.autodiff import convolution_input_gradient, convolution_weight_gradient
from thalweg.errors import ShapeError

X = torch.tensor([[2.0, -3.0, 4.0], [1.0, -1.0, 2.0], [-1.0, 2.0, 3.0]])
UPSTREAM = torch.tensor([[3.0, -2.0], [1.0, -1.0]])

GEOMETRIES = [
    {},
    {"stride": 2},
    {"padding": 1},
    {"stride": 2, "padding": 1},
    {"stride": 3, "padding": 2},
    {"dilation": 2, "padding": 1},
    {"stride": 2, "dilation": 2, "padding": 3},
    {"stride": (2, 1), "padding": (0, 2), "dilation": (1, 2)},
]


@pytest.mark.parametrize("geometry", GEOMETRIES, ids=str)
@pytest.mark.parametrize("size", [(8, 9), (11, 7)])
def test_both_gradients_are_those_of_autograd(geometry, size):
    torch.manual_seed(0)
    x = torch.randn(2, 3, *size, dtype=torch.float64, requires_grad=True)
    w = torch.randn(4, 3, 3, 2, dtype=torch.float64, requires_grad=True)
    v = F.conv2d(x, w, **geometry)
    upstream = torch.randn_like(v)
    expected = torch.autograd.grad(v, [x, w], upstream)
    torch.testing.assert_close(
        convolution_input_gradient(upstream, w, size, **geometry), expected[0]
    )
    torch.testing.assert_close(
        convolution_weight_gradient(x, upstream, (3, 2), **geometry), expected[1]
    )


def test_the_worked_example_is_14_where_the_notes_say_12():
    # By hand, a window of x for each weight: 2·3 + (−3)(−2) + 1·1 + (−1)(−1) = 14.
    windows = [[X[row : row + 2, column : column + 2] for column in (0, 1)] for row in (0, 1)]
    by_hand = torch.tensor([[float((each * UPSTREAM).sum()) for each in row] for row in windows])
    found = convolution_weight_gradient(X[None, None], UPSTREAM[None, None], (2, 2))[0, 0]
    assert found.tolist() == by_hand.tolist() == [[14.0, -20.0], [2.0, -8.0]]


def test_each_pixel_gets_the_weights_that_touched_it():
    w = torch.tensor([[1.0, 2.0], [0.0, -1.0]])
    by_hand = torch.zeros(3, 3)
    for row in range(2):
        for column in range(2):
            by_hand[row : row + 2, column : column + 2] += UPSTREAM[row, column] * w
    found = convolution_input_gradient(UPSTREAM[None, None], w[None, None], (3, 3))[0, 0]
    assert torch.equal(found, by_hand)


def test_a_gradient_of_another_size_is_told():
    with pytest.raises(ShapeError, match=r"output's size \(2, 2\), got \(3, 3\)"):
        convolution_weight_gradient(torch.zeros(1, 1, 4, 4), torch.zeros(1, 1, 3, 3), (3, 3))
    with pytest.raises(ShapeError, match="stride, padding and dilation"):
        convolution_input_gradient(torch.zeros(1, 1, 3, 3), torch.zeros(1, 1, 3, 3), (4, 4))
