"""The blocks of convolutional networks compute what their papers draw."""

import math

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from thalweg.nn import (
    BasicBlock,
    Bottleneck,
    Highway,
    Inception,
    InvertedResidual,
    NormalizedConvolution,
    ResidualLinear,
    ZeroPadding,
    depthwise_separable,
)


def normalized(values: Tensor, norm: nn.Module) -> Tensor:
    """Return batch normalization by its formula, over all axes but the channels."""
    axes = [axis for axis in range(values.ndim) if axis != 1]
    mean, variance = values.mean(axes, keepdim=True), values.var(axes, keepdim=True, correction=0)
    shape = [1, -1, *([1] * (values.ndim - 2))]
    scale, shift = norm.weight.view(shape), norm.bias.view(shape)
    return scale * (values - mean) / (variance + norm.eps).sqrt() + shift


def maps(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0))


def shaken(module: nn.Module) -> nn.Module:
    """Return the module in training mode with random scales and shifts, so that all of it shows."""
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in module.parameters():
            if parameter.ndim == 1:
                parameter.copy_(torch.rand(parameter.shape, generator=generator) + 0.5)
    return module.train()


def test_a_normalized_convolution_is_its_three_parts():
    step = shaken(NormalizedConvolution(3, 5, (1, 7), stride=2, padding=(0, 3)))
    inputs = maps(4, 3, 9, 9)
    convolved = F.conv2d(inputs, step.conv.weight, None, 2, (0, 3))
    torch.testing.assert_close(step(inputs), normalized(convolved, step.bn).clamp(min=0))


@pytest.mark.parametrize("stride", [1, 2])
def test_a_basic_block_adds_its_input(stride):
    past = shaken(nn.Sequential(nn.Conv2d(4, 6, 1, stride, bias=False), nn.BatchNorm2d(6)))
    block, inputs = shaken(BasicBlock(4, 6, stride, past)), maps(3, 4, 8, 8)
    inner = F.conv2d(inputs, block.conv1.weight, None, stride, 1)
    inner = F.conv2d(normalized(inner, block.bn1).relu(), block.conv2.weight, None, 1, 1)
    shortcut = normalized(F.conv2d(inputs, past[0].weight, None, stride), past[1])
    torch.testing.assert_close(block(inputs), (normalized(inner, block.bn2) + shortcut).relu())


@pytest.mark.parametrize(("stride_first", "strides"), [(True, (2, 1)), (False, (1, 2))])
def test_a_bottleneck_narrows_filters_widens_and_adds(stride_first, strides):
    past = ZeroPadding(8, 12, stride=2)
    block = shaken(Bottleneck(8, 3, 2, past, stride_first=stride_first))
    inputs = maps(3, 8, 9, 9)
    inner = F.conv2d(inputs, block.conv1.weight, None, strides[0])
    inner = F.conv2d(normalized(inner, block.bn1).relu(), block.conv2.weight, None, strides[1], 1)
    inner = F.conv2d(normalized(inner, block.bn2).relu(), block.conv3.weight)
    shortcut = torch.zeros(3, 12, 5, 5)
    shortcut[:, :8] = inputs[:, :, ::2, ::2]
    torch.testing.assert_close(block(inputs), (normalized(inner, block.bn3) + shortcut).relu())


def test_a_block_leaves_its_input_as_it_was():
    for block in (BasicBlock(4, 4), Bottleneck(8, 2), InvertedResidual(4, 4, expansion=2)):
        inputs = maps(2, 4 if not isinstance(block, Bottleneck) else 8, 5, 5)
        before = inputs.clone()
        block(inputs)
        assert torch.equal(inputs, before)


def test_a_block_of_full_layers_adds_its_input():
    block, inputs = shaken(ResidualLinear(6)), maps(5, 6)
    inner = normalized(inputs @ block.linear1.weight.T, block.bn1).relu()
    expected = (inputs + normalized(inner @ block.linear2.weight.T, block.bn2)).relu()
    torch.testing.assert_close(block(inputs), expected)


def test_a_highway_layer_mixes_by_its_gate():
    layer, inputs = Highway(6, carry=1.0), maps(5, 6)
    gate = 1 / (1 + torch.exp(-(inputs @ layer.gate.weight.T - 1.0)))
    changed = (inputs @ layer.transform.weight.T).relu()
    torch.testing.assert_close(layer(inputs), gate * changed + (1 - gate) * inputs)
    assert layer.gate.bias.tolist() == [-1.0] * 6


def test_an_inception_module_puts_its_branches_behind_one_another():
    module, inputs = Inception(6, (1, 2, 3, 2, 4, 5)).eval(), maps(2, 6, 7, 7)
    outputs = module(inputs)
    assert outputs.shape == (2, 1 + 3 + 4 + 5, 7, 7)
    torch.testing.assert_close(outputs[:, :1], module.branch1(inputs))
    assert module.branch3[1].conv.kernel_size == (5, 5)
    # The maximum over 3×3 around each pixel, then a 1×1 convolution.
    around = F.pad(inputs, (1, 1, 1, 1), value=-math.inf).unfold(2, 3, 1).unfold(3, 3, 1)
    pooled = around.amax(dim=(4, 5))
    torch.testing.assert_close(outputs[:, -5:], module.branch4[1](pooled))


def test_a_separable_convolution_is_one_of_full_filters_of_rank_one():
    block, inputs = depthwise_separable(3, 5, stride=2).eval(), maps(2, 3, 8, 8)
    # Without what stands between them, both are one convolution whose filters are the products.
    both = nn.Sequential(block.depthwise, block.pointwise)
    filters = block.pointwise.weight * block.depthwise.weight.transpose(0, 1)
    torch.testing.assert_close(both(inputs), F.conv2d(inputs, filters, None, 2, 1))
    products = sum(each.numel() for each in both.parameters())
    assert products == 9 * 3 + 3 * 5


def test_an_inverted_residual_has_a_shortcut_where_shapes_agree():
    for stride, given in ((1, 4), (2, 4), (1, 6)):
        block = shaken(InvertedResidual(4, given, stride, expansion=3))
        inputs = maps(2, 4, 6, 6)
        changed = block.conv(inputs)
        has_shortcut = stride == 1 and given == 4
        torch.testing.assert_close(block(inputs), changed + inputs if has_shortcut else changed)
        assert [len(list(InvertedResidual(4, 4, expansion=e).conv)) for e in (1, 6)] == [3, 4]
