"""Multiply-accumulates of an operation of torch, from the shapes of its tensors.

A multiply-accumulate (MAC) is one product added to a sum: two floating-point operations. Biases,
activations, pooling and normalization count as nothing, as is usual.
"""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from thalweg._anatomy.fields import Call


def macs(call: Call) -> int | None:
    """Return the multiply-accumulates of an operation; None where nobody knows them.

    Zero is for what hardly sums products: it moves numbers, takes them one by one, or pools.
    """
    if call.name in FORMULAS:
        return FORMULAS[call.name](call.args, call.outputs[0])
    tags = call.func.tags
    is_free = (
        call.name in FREE
        or call.name.startswith(FREE_KINDS)
        or call.func.is_view
        or torch.Tag.inplace_view in tags
        or torch.Tag.pointwise in tags
        or torch.Tag.reduction in tags
        or not call.tensors
    )
    return 0 if is_free else None


def _matrices(args: dict[str, Any], output: Tensor, left: str = "self") -> int:
    return output.numel() * args[left].shape[-1]


def _of(left: str) -> Callable[[dict[str, Any], Tensor], int]:
    return lambda args, output: _matrices(args, output, left)


def _convolution(args: dict[str, Any], output: Tensor) -> int:
    """Every output sums over one kernel and the channels of its group; or every input spreads."""
    weight = args["weight"]
    # (outputs, inputs of a group, *kernel), and the other way round where it is transposed.
    per_place = math.prod(weight.shape[1:])
    return (args["input"] if args["transposed"] else output).numel() * per_place


def _trilinear(args: dict[str, Any], output: Tensor) -> int:
    """A bilinear layer sums x₁ᵢ wᵢⱼ x₂ⱼ: first over j, then over i."""
    _, first, second = args["i2"].shape
    return output.numel() * first * (second + 1)


FORMULAS: dict[str, Callable[[dict[str, Any], Tensor], int]] = {
    "mm": _matrices,
    "bmm": _matrices,
    "mv": _matrices,
    "addmm": _of("mat1"),
    "baddbmm": _of("batch1"),
    "addmv": _of("mat"),
    "addbmm": lambda args, output: args["batch1"].numel() * output.shape[-1],
    "dot": lambda args, output: args["self"].numel(),
    "vdot": lambda args, output: args["self"].numel(),
    "convolution": _convolution,
    "_trilinear": _trilinear,
}

FREE_KINDS = (
    "_adaptive_avg_pool",
    "_log_softmax",
    "_safe_softmax",
    "_softmax",
    "_upsample",
    "adaptive_",
    "avg_pool",
    "fractional_max_pool",
    "grid_sampler_",
    "index_",
    "max_pool",
    "max_unpool",
    "native_",
    "_native_batch_norm",
    "new_",
    "reflection_pad",
    "replication_pad",
    "scatter",
    "unsafe_",
    "upsample_",
)
FREE = frozenset(
    {
        "_local_scalar_dense", "_pack_padded_sequence", "_reshape_alias", "_to_copy",
        "_unsafe_view", "bernoulli", "cat", "channel_shuffle", "col2im", "constant_pad_nd",
        "copy", "cudnn_batch_norm", "embedding", "empty_like", "fill", "flip", "full_like",
        "gather", "im2col", "index", "lift_fresh",
        "logsumexp", "masked_fill", "nonzero", "normal", "ones_like", "pixel_shuffle",
        "pixel_unshuffle", "prelu", "_prelu_kernel", "rand_like", "randn_like", "repeat",
        "repeat_interleave", "roll", "rrelu_with_noise", "select_scatter", "slice_scatter",
        "sort", "stack", "topk", "tril", "triu", "uniform", "zero", "zeros_like",
        "linalg_vector_norm", "_embedding_bag", "glu", "argmax", "argmin", "sum", "scalar_tensor",
        "split_with_sizes_copy", "cumsum", "cumprod", "masked_select", "masked_scatter", "where",
        "random", "bucketize", "searchsorted", "put", "take",
    }
)  # fmt: skip
"""What moves, picks, fills, pools or compares numbers: it takes no sums of products."""

LEARNED = frozenset({"mul", "div", "addcmul", "addcdiv", "lerp", "pow", "true_divide"})
"""Products number by number; with learned numbers they are weights that no count includes."""
