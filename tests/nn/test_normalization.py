import pytest
import torch
from torch import nn

from thalweg.nn import BatchNorm1d, BatchNorm2d, LocalResponseNorm

PAIRS = [(BatchNorm1d, nn.BatchNorm1d, (3,)), (BatchNorm2d, nn.BatchNorm2d, (3, 4, 4))]


@pytest.mark.parametrize(("ours", "theirs", "shape"), PAIRS)
@pytest.mark.parametrize("training", [True, False])
def test_agrees_with_torch_and_keeps_the_same_moments(ours, theirs, shape, training):
    first, second = ours(3).train(training), theirs(3).train(training)
    inputs = torch.randn(5, *shape, generator=torch.Generator().manual_seed(0))
    assert torch.equal(first(inputs), second(inputs))
    for mine, other in zip(first.state_dict().values(), second.state_dict().values(), strict=True):
        assert torch.equal(mine, other)


@pytest.mark.parametrize(
    ("norm", "shape"), [(BatchNorm1d(2), (1, 2)), (BatchNorm2d(2), (1, 2, 1, 1))]
)
def test_a_single_value_per_channel_is_normalized_by_the_running_moments(norm, shape):
    norm.running_mean.copy_(torch.tensor([1.0, 2.0]))
    norm.running_var.copy_(torch.tensor([4.0, 9.0]))
    before = norm.running_mean.clone()
    output = norm.train()(torch.tensor([5.0, 8.0]).reshape(shape))
    torch.testing.assert_close(output.flatten(), torch.tensor([2.0, 2.0]), atol=1e-4, rtol=0)
    assert torch.equal(norm.running_mean, before)
    output.sum().backward()
    assert norm.weight.grad is not None


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
def test_neighbouring_channels_are_normalized_in_any_precision(dtype):
    inputs = torch.randn(2, 9, 3, 3, generator=torch.Generator().manual_seed(0)).to(dtype)
    found = LocalResponseNorm(5, alpha=5e-4, beta=0.75, k=2.0)(inputs)
    assert found.dtype == dtype
    expected = nn.LocalResponseNorm(5, alpha=5e-4, beta=0.75, k=2.0)(inputs.double())
    torch.testing.assert_close(found, expected.to(dtype))
