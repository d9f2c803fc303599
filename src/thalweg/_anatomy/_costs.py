"""Multiply-accumulates of a layer, from its shapes.

A multiply-accumulate (MAC) is one product added to a sum: two floating-point operations. Biases,
activations, pooling and normalization count as nothing, as is usual.
"""

import math
from collections.abc import Callable, Mapping
from types import UnionType
from typing import Any

from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

Inputs = Mapping[str, Any]
"""What a layer was called with, by the names of the parameters of its `forward`."""

Formula = Callable[[Any, Inputs, Any], int]
"""MACs of one call, from the layer, its inputs and its output."""

Convolution = nn.Conv1d | nn.Conv2d | nn.Conv3d
Transposed = nn.ConvTranspose1d | nn.ConvTranspose2d | nn.ConvTranspose3d

# Where torch keeps the layers that take no sums of products, or hardly any.
FREE = frozenset(
    f"torch.nn.modules.{name}"
    for name in (
        "activation",
        "batchnorm",
        "channelshuffle",
        "dropout",
        "flatten",
        "fold",
        "instancenorm",
        "normalization",
        "padding",
        "pixelshuffle",
        "pooling",
        "sparse",
        "upsampling",
    )
)


def formula(layer: nn.Module) -> Formula | None:
    """Return how to price a call of the layer; None where its kind is unknown."""
    if isinstance(getattr(layer, "macs", None), int):
        return _declared
    for kinds, macs in FORMULAS:
        if isinstance(layer, kinds):
            return macs
    origins = {kind.__module__ for kind in type(layer).__mro__}
    is_empty = isinstance(layer, nn.Sequential) and not len(layer)
    return _nothing if isinstance(layer, nn.Identity) or is_empty or origins & FREE else None


def _declared(layer: Any, inputs: Inputs, output: Any) -> int:
    return layer.macs


def _nothing(layer: nn.Module, inputs: Inputs, output: Any) -> int:
    return 0


def _linear(layer: nn.Linear, inputs: Inputs, output: Tensor) -> int:
    return output.numel() * layer.in_features


def _convolution(layer: Convolution, inputs: Inputs, output: Tensor) -> int:
    """Every output sums over one kernel, and over the channels of its group."""
    return output.numel() * math.prod(layer.kernel_size) * layer.in_channels // layer.groups


def _transposed(layer: Transposed, inputs: Inputs, output: Tensor) -> int:
    """Every input is spread over one kernel, and over the channels of its group."""
    read = inputs["input"].numel()
    return read * math.prod(layer.kernel_size) * layer.out_channels // layer.groups


def _recurrent(layer: nn.RNNBase, inputs: Inputs, output: Any) -> int:
    """Each gate multiplies the input and the state, at each step, layer and direction."""
    given = inputs["input"]
    if isinstance(given, PackedSequence):
        given = given.data
    steps = given.numel() // layer.input_size
    directions = 2 if layer.bidirectional else 1
    state = layer.proj_size or layer.hidden_size
    per_step = 0
    for depth in range(layer.num_layers):
        width = layer.input_size if depth == 0 else state * directions
        each = GATES[layer.mode] * layer.hidden_size * (width + state)
        per_step += directions * (each + layer.hidden_size * layer.proj_size)
    return steps * per_step


def _cell(layer: nn.RNNCellBase, inputs: Inputs, output: Any) -> int:
    """The weights of all gates lie in one matrix each, so each is multiplied once a step."""
    steps = inputs["input"].numel() // layer.input_size
    return steps * (layer.weight_ih.numel() + layer.weight_hh.numel())


def _attention(layer: nn.MultiheadAttention, inputs: Inputs, output: Any) -> int:
    """Project queries, keys and values; score; sum; project. Heads share the width."""
    width = layer.embed_dim
    queries = inputs["query"].numel() // width
    keys = inputs["key"].numel() // layer.kdim
    projected = queries * width * width + keys * layer.kdim * width + keys * layer.vdim * width
    extra = (layer.bias_k is not None) + layer.add_zero_attn
    attended = 2 * queries * (keys + extra) * width
    return projected + attended + queries * width * width


def _bilinear(layer: nn.Bilinear, inputs: Inputs, output: Tensor) -> int:
    """Every output sums x₁ᵢ wᵢⱼ x₂ⱼ: first over j, then over i."""
    return output.numel() * layer.in1_features * (layer.in2_features + 1)


GATES = {"RNN_TANH": 1, "RNN_RELU": 1, "GRU": 3, "LSTM": 4}

FORMULAS: tuple[tuple[type[nn.Module] | UnionType, Formula], ...] = (
    (nn.Linear, _linear),
    (Convolution, _convolution),
    (Transposed, _transposed),
    (nn.RNNBase, _recurrent),
    (nn.RNNCellBase, _cell),
    (nn.MultiheadAttention, _attention),
    (nn.Bilinear, _bilinear),
)
