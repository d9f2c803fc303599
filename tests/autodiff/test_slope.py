import torch

from thalweg.autodiff import slope


def test_the_slope_along_a_direction_is_the_gradient_times_it():
    x, y = torch.tensor([1.0, 2.0]).double(), torch.tensor(3.0).double()
    directions = [torch.tensor([1.0, -1.0]), torch.tensor(2.0)]
    found = slope(lambda: float(x.square().sum() * y), [x, y], directions)
    # gradient (2·1·3, 2·2·3; 1 + 4) times (1, −1; 2)
    torch.testing.assert_close(found, 6.0 - 12.0 + 10.0, atol=1e-7, rtol=0)


def test_the_tensors_are_put_back_to_the_bit_even_after_an_error():
    x = torch.tensor([0.1, 0.2]).double()
    before = x.clone()

    def fails():
        raise ValueError

    slope(lambda: float(x.sum()), [x], [torch.ones(2)])
    assert torch.equal(x, before)
    try:
        slope(fails, [x], [torch.ones(2)])
    except ValueError:
        assert torch.equal(x, before)
